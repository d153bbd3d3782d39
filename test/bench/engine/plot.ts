import { type Results, valuesOf } from './results.ts'
import { median } from './statistics.ts'

const WIDTH = 720
const HEIGHT = 400
const LEFT = 56
const RIGHT = 190
const TOP = 36
const BOTTOM = 48
/** Told apart by people who see few colours, too (Okabe and Ito). */
const COLOURS: Record<string, string> = {
  ours: '#0072b2',
  'llama-server-best': '#d55e00',
  'llama-server': '#e69f00',
  plain: '#999999',
  prebuilt: '#009e73',
  'batched-bench': '#000000',
}

interface Line {
  arm: string
  points: { streams: number; rate: number }[]
}

/** Tokens a second by streams, one line an arm, as SVG. Pure. */
export function plot(results: Results, title: string): string {
  const lines = Object.keys(COLOURS)
    .map((arm) => lineOf(results, arm))
    .filter(({ points }) => points.length > 0)
  const most = Math.max(...lines.flatMap(({ points }) => points.map(({ rate }) => rate)), 1)
  const top = Math.ceil(most / 50) * 50
  const x = (streams: number) => LEFT + ((WIDTH - LEFT - RIGHT) * streams) / 16
  const y = (rate: number) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * rate) / top
  const label = (at: string, text: string) => `<text ${at}>${text}</text>`
  const grid = Array.from({ length: top / 50 + 1 }, (_, step) => step * 50).flatMap((rate) => [
    `<line x1="${LEFT}" x2="${x(16)}" y1="${y(rate)}" y2="${y(rate)}" stroke="#ddd"/>`,
    label(`x="${LEFT - 8}" y="${y(rate) + 4}" text-anchor="end"`, `${rate}`),
  ])
  const ticks = [1, 2, 4, 6, 8, 12, 16].map((streams) =>
    label(`x="${x(streams)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle"`, `${streams}`),
  )
  const curves = lines.flatMap(({ arm, points }, index) => {
    const path = points.map(({ streams, rate }) => `${round(x(streams))},${round(y(rate))}`)
    const colour = COLOURS[arm] ?? '#000'
    const dash = arm === 'batched-bench' ? ' stroke-dasharray="5 4"' : ''
    return [
      `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
      `<rect x="${x(16) + 16}" y="${TOP + index * 22}" width="14" height="4" fill="${colour}"/>`,
      label(`x="${x(16) + 36}" y="${TOP + index * 22 + 6}"`, NAMES[arm] ?? arm),
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    label(`x="${LEFT}" y="20" font-size="14"`, title),
    ...grid,
    ...ticks,
    label(`x="${x(8)}" y="${HEIGHT - 8}" text-anchor="middle"`, 'streams'),
    ...curves,
    '</svg>',
    '',
  ].join('\n')
}

const NAMES: Record<string, string> = {
  ours: 'Serantau',
  prebuilt: 'Serantau, prebuilt engine',
  'llama-server-best': 'llama-server, best flags',
  'llama-server': 'llama-server, default',
  plain: 'plain node-llama-cpp',
  'batched-bench': 'decode phase alone',
}

/** The limit has no server to send a chat to: its decode phase stands for it. */
function lineOf(results: Results, arm: string): Line {
  const [workload, metric] =
    arm === 'batched-bench' ? ['W0', 'decodePerSecond'] : ['W1', 'tokensPerSecond']
  const names = Object.keys(results[workload]?.[arm]?.cases ?? {})
  const points = names
    .map((name) => ({
      streams: Number(name),
      rate: median(valuesOf(results, { workload, arm, name, metric })),
    }))
    .filter(({ rate }) => Number.isFinite(rate))
  return { arm, points: points.sort((a, b) => a.streams - b.streams) }
}

const round = (value: number): number => Math.round(value * 10) / 10
