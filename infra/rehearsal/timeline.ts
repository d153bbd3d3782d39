import type { Observation } from './observation.ts'

/** What was seen, `seconds` after the start of the rehearsal. */
export interface Moment {
  seconds: number
  nodes: number
  ready: number
  waiting: number
}

export interface Mark {
  seconds: number
  text: string
}

export const momentOf = (seconds: number, { nodes, pods }: Observation): Moment => ({
  seconds,
  nodes: nodes.length,
  ready: pods.filter(({ ready }) => ready).length,
  waiting: pods.filter(({ ready }) => !ready).length,
})

const SERIES = [
  { key: 'nodes', colour: '#2f6f4f', text: 'nodes' },
  { key: 'ready', colour: '#1f4e9c', text: 'pods ready' },
  { key: 'waiting', colour: '#c0392b', text: 'pods waiting' },
] as const

const WIDTH = 960
const HEIGHT = 360
const LEFT = 48
const TOP = 96
const RIGHT = WIDTH - 16
const BOTTOM = HEIGHT - 36

/** Nodes and pods over the time of a rehearsal, with a line where each scenario began. Pure. */
export function timelineSvg(moments: readonly Moment[], marks: readonly Mark[]): string {
  const end = Math.max(1, ...moments.map(({ seconds }) => seconds))
  const most = Math.max(
    1,
    ...moments.flatMap(({ nodes, ready, waiting }) => [nodes, ready, waiting]),
  )
  const x = (seconds: number) => round(LEFT + ((RIGHT - LEFT) * seconds) / end)
  const y = (count: number) => round(BOTTOM - ((BOTTOM - TOP) * count) / most)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    '<title>Nodes and pods over the time of the rehearsal</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...frame(end, most),
    ...marks.map(({ seconds, text }) => markSvg(x(seconds), text)),
    ...SERIES.map(({ key, colour }) => {
      const path = steps(moments.map((moment) => ({ x: x(moment.seconds), y: y(moment[key]) })))
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.6"/>`
    }),
    ...SERIES.map(
      ({ colour, text }, at) =>
        `<text x="${LEFT + at * 110}" y="16" fill="${colour}">&#9632; ${text}</text>`,
    ),
    '</svg>',
    '',
  ].join('\n')
}

const frame = (end: number, most: number): string[] => [
  `<path d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}" fill="none" stroke="#888"/>`,
  `<text x="${LEFT - 6}" y="${TOP + 4}" text-anchor="end">${most}</text>`,
  `<text x="${LEFT - 6}" y="${BOTTOM}" text-anchor="end">0</text>`,
  `<text x="${RIGHT}" y="${BOTTOM + 18}" text-anchor="end">${round(end)} s</text>`,
]

/** Slanted, so that marks that lie close can be read. */
const markSvg = (x: number, text: string): string =>
  `<path d="M${x} ${TOP}V${BOTTOM}" stroke="#bbb" stroke-dasharray="3 3"/>` +
  `<text transform="translate(${x + 3} ${TOP - 4}) rotate(-30)" fill="#555">${escaped(text)}</text>`

/** A count holds until the next look. */
function steps(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points
  if (first === undefined) return 'M0 0'
  return `M${first.x} ${first.y}${rest.map((point) => `H${point.x}V${point.y}`).join('')}`
}

const round = (value: number): number => Math.round(value * 10) / 10

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const escaped = (text: string): string => text.replace(/[&<>]/g, (letter) => ESCAPES[letter] ?? '')
