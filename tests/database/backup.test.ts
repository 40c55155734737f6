/** A backup is whole or it is not there. */
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database } from './_database.ts'

const database = new Database(54_402)

beforeAll(() => database.start())
afterAll(() => database.stop())

const environment = (): Record<string, string> => ({ ...database.outside(), TODO_DATABASE_BACKUP_PASSWORD_FILE: '/run/secrets/todo-db/backup-password' })
const kept = (folder: string): string[] => readdirSync(folder).filter((name) => !name.startsWith('.')).sort()

describe('a backup', () => {
  it('takes turns with another one into the same folder', async () => {
    const folder = database.newFolder('turns')
    const both = await Promise.all([database.run('backup', [folder], { env: environment() }), database.run('backup', [folder], { env: environment() })])
    expect(both.map(({ exitCode, said }) => [exitCode, said])).toEqual([[0, ''], [0, '']])
    expect(kept(folder)).toHaveLength(2)
    expect(readdirSync(folder)).not.toContain('.partial')
  })

  it('names what it may not read, and keeps nothing', async () => {
    await database.as('postgres', 'create table public.secret (id integer)')
    const folder = database.newFolder('unreadable')
    const { exitCode, said } = await database.run('backup', [folder], { env: environment() })
    await database.as('postgres', 'drop table public.secret')
    expect([exitCode, said]).toEqual([1, expect.stringMatching(/permission denied for table secret[\s\S]*needs GRANT SELECT/)])
    expect(kept(folder)).toEqual([])
  })

  it('on a full volume fails, says so, and leaves the others', async () => {
    const volume = process.env['DATABASE_TEST_SMALL_VOLUME'] ?? ''
    await database.run('backup', [volume], { env: environment() })
    const before = kept(volume)
    expect(before).toHaveLength(1)
    await database.as('todo_migrator', "insert into public.tasks (owner, title) select 'ada', md5(random()::text) || md5(random()::text) || md5(random()::text) from generate_series(1, 60000)")
    const { exitCode, said } = await database.run('backup', [volume], { env: environment() })
    expect(exitCode).not.toBe(0)
    expect(said).toMatch(/No space left on device/)
    expect(kept(volume)).toEqual(before)
    expect(readdirSync(volume)).not.toContain('.partial')
  })
})
