/** The order of the rooms, by the linter's own verdict. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ESLint } from 'eslint'
import { beforeAll, describe, expect, it } from 'vitest'
import { ROOMS, forbiddenFor } from '../../../deploy/rooms.js'

const ROOT = join(import.meta.dirname, '../../..')
const eslint = new ESLint({ cwd: ROOT, ruleFilter: ({ ruleId }) => ruleId.startsWith('no-restricted-') })

const isFile = (room: string): boolean => room.endsWith('.ts')
const fileIn = (room: string): string => (isFile(room) ? room : `${room}/any.ts`)

/** The import of a file of one room as a file of another one writes it. */
function specifier(from: string, to: string): string {
  return `${isFile(from) ? './' : '../'}${fileIn(to)}`
}

async function complaints(room: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: join(ROOT, 'deploy/src', fileIn(room)) })
  return (result?.messages ?? []).map(({ message }) => message)
}

const WAYS: readonly [name: string, code: (specifier: string) => string][] = [
  ['for its values', (path) => `import { any } from '${path}'`],
  ['for its types', (path) => `import type { Any } from '${path}'`],
  ['to pass it on', (path) => `export { any } from '${path}'`],
  ['when it runs', (path) => `export const any = await import('${path}')`],
  ['inside a type', (path) => `export type Any = import('${path}').Any`],
]

// Reads the configuration and what it needs, which takes a moment the first time.
beforeAll(() => complaints('release', ''), 120_000)

describe('the rooms of the deployer', () => {
  it('hold every file', () => {
    expect(readdirSync(join(ROOT, 'deploy/src')).sort()).toEqual(ROOMS.flat().sort())
  })

  describe.each(WAYS)('an import %s', (_name, code) => {
    it.each(ROOMS.flat())('from %s runs downwards', async (room) => {
      const others = ROOMS.flat().filter((other) => other !== room)
      const refused = await Promise.all(others.map(async (other) => ((await complaints(room, code(specifier(room, other)))).length === 0 ? [] : [other])))
      const above = ROOMS.slice(0, ROOMS.findIndex((names) => names.includes(room))).flat()
      expect(refused.flat()).toEqual(expect.arrayContaining(above))
      expect(refused.flat().sort()).toEqual(forbiddenFor(room).sort())
    }, 120_000)
  })

  it('are named with the order that was broken', async () => {
    expect(await complaints('plan', `import { any } from '../rollout/any.ts'`)).toEqual([expect.stringContaining('plan may import only from rooms below it, in the order of deploy/rooms.js.')])
  })
})
