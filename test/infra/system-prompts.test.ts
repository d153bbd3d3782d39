import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KitError, parseStackFile, resolveModels } from '../../catalog/index.ts'
import { checkSystemPrompts, readSystemPrompts } from '../../infra/serving/system-prompts.ts'
import { EXISTING_STACK, LOCAL_STACK } from '../helpers/stacks.ts'

const MOST_BYTES = 65_536

let parent = ''
let project = ''
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'serantau-prompts-'))
  project = join(parent, 'project')
  mkdirSync(project)
})
afterEach(() => rmSync(parent, { recursive: true }))

const file = (name: string, content: string | Buffer) => writeFileSync(join(project, name), content)

function read(systemPrompts: string[]): string[] {
  const stack = parseStackFile({
    ...LOCAL_STACK,
    models: [{ ...LOCAL_STACK.models[0], systemPrompts }],
  })
  return readSystemPrompts(project, stack, resolveModels(stack)[0]!)
}

function refusal(act: () => unknown): KitError {
  try {
    act()
  } catch (error) {
    if (error instanceof KitError) return error
    throw error
  }
  throw new Error('the files were accepted')
}

describe('files of system prompts', () => {
  test('are read in the order listed, from folders inside the project too', () => {
    mkdirSync(join(project, 'prompts'))
    file('prompts/b.txt', 'Kamu pembantu.')
    file('a.txt', 'ท่านเป็นผู้ช่วย')
    expect(read(['prompts/b.txt', 'a.txt'])).toEqual(['Kamu pembantu.', 'ท่านเป็นผู้ช่วย'])
    expect(read([])).toEqual([])
  })

  test('lose the line breaks at their end, and nothing else', () => {
    file('unix.txt', '\n Be brief.\n\nBe kind. \n\n')
    file('windows.txt', 'Be brief.\r\nBe kind.\r\n')
    const texts = ['\n Be brief.\n\nBe kind. ', 'Be brief.\r\nBe kind.']
    expect(read(['unix.txt', 'windows.txt'])).toEqual(texts)
  })

  test('may be links to files inside the project', () => {
    file('a.txt', 'Be brief.')
    symlinkSync('a.txt', join(project, 'link.txt'))
    expect(read(['link.txt'])).toEqual(['Be brief.'])
  })

  test('may be as large as the limit says', () => {
    file('a.txt', 'a'.repeat(MOST_BYTES))
    expect(read(['a.txt'])[0]).toHaveLength(MOST_BYTES)
  })

  type Row = [what: string, make: () => void, got: RegExp, fix: RegExp]
  const rows: Row[] = [
    ['nothing there', () => undefined, /nothing at a\.txt/, /folder of the stack file/],
    ['a folder', () => mkdirSync(join(project, 'a.txt')), /a folder at a\.txt/, /correct the path/],
    ['a byte too many', () => file('a.txt', 'a'.repeat(MOST_BYTES + 1)), /65537 bytes/, /shorten/],
    ['other bytes than UTF-8', () => file('a.txt', Buffer.of(0x41, 0xff)), /other bytes/, /UTF-8/],
    ['no text', () => file('a.txt', ''), /no text/, /write the system prompt/],
    ['line breaks alone', () => file('a.txt', '\r\n\n'), /no text/, /write the system prompt/],
    [
      'a link out of the project',
      () => {
        writeFileSync(join(parent, 'secret'), 'canary')
        symlinkSync('../secret', join(project, 'a.txt'))
      },
      /a link out of it/,
      /copy the file/,
    ],
    [
      'a link to a folder whose name only begins like the project',
      () => {
        mkdirSync(`${project}-other`)
        writeFileSync(`${project}-other/secret`, 'canary')
        symlinkSync('../project-other/secret', join(project, 'a.txt'))
      },
      /a link out of it/,
      /copy the file/,
    ],
  ]
  test.each(rows)('are refused by path and fix: %s', (_what, make, got, fix) => {
    make()
    const error = refusal(() => read(['a.txt']))
    expect(error.code).toBe('STACK_FILE_INVALID')
    expect(error.problems).toHaveLength(1)
    const [problem] = error.problems
    expect(problem?.path).toBe('serantau:models[0].systemPrompts[0]')
    expect(problem?.got).toMatch(got)
    expect(problem?.fix).toMatch(fix)
    expect(error.message).not.toContain('canary')
  })

  test('are refused when they are too much together', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) file(name, 'a'.repeat(MOST_BYTES))
    expect(read(names.slice(0, 4))).toHaveLength(4)
    const [problem] = refusal(() => read(names)).problems
    expect(problem?.path).toBe('serantau:models[0].systemPrompts')
    expect(problem).toMatchObject({ got: '327680 bytes', fix: 'shorten them, or list fewer' })
  })

  test('that cannot be used are named all at once', () => {
    file('b.txt', 'fine')
    file('c.txt', '')
    const { problems } = refusal(() => read(['a.txt', 'b.txt', 'c.txt']))
    expect(problems.map(({ path }) => path)).toEqual([
      'serantau:models[0].systemPrompts[0]',
      'serantau:models[0].systemPrompts[2]',
    ])
  })

  test('are checked for every model before anything starts', () => {
    const [first, second] = EXISTING_STACK.models
    const models = [first, { ...second, systemPrompts: ['missing.txt'] }]
    const stack = parseStackFile({ ...EXISTING_STACK, models })
    const error = refusal(() => checkSystemPrompts(project, stack, resolveModels(stack)))
    expect(error.problems[0]?.path).toBe('serantau:models[1].systemPrompts[0]')
  })
})
