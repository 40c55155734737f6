/** One world per run, in the scope of the file: opened by the first test, closed after the last. */
import { resolve } from 'node:path'
import { test as base } from 'vitest'
import { describe as describeError } from '../../deploy/src/errors.ts'
import { REQUIREMENTS } from './areas/index.ts'
import { needRelease } from './needs.ts'
import { textOf } from './run.ts'
import { chosen } from './schedule.ts'
import { readSettings } from './settings.ts'
import { type World, openWorld } from './world.ts'

export const root = resolve(import.meta.dirname, '../..')

/** The world, or why there is none: then no requirement can be asked, and each says so. */
export type Access = { world: World; kubernetes: string } | { world: undefined; reason: string }

export const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort(new Error(`stopped by ${signal}`)))

export const test = base.extend<{ access: Access }>({
  access: [
    // eslint-disable-next-line no-empty-pattern -- vitest wants a destructured first argument
    async ({}, use) => {
      let open
      try {
        const settings = readSettings(process.env, root)
        open = await openWorld({ ...settings, deploy: settings.deploy && needRelease(chosen(REQUIREMENTS, settings.only)) }, interrupt.signal)
      } catch (error) {
        await use({ world: undefined, reason: error instanceof Error && 'next' in error ? describeError(error) : textOf(error) })
        return
      }
      try {
        await use(open)
      } finally {
        await open[Symbol.asyncDispose]()
      }
    },
    { scope: 'file' },
  ],
})
