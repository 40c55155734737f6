/** A restore takes all or nothing, whoever made the tables and whatever happens beside it. */
import { readFile, writeFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database, changedArchive, finished } from './_database.ts'

const database = new Database(54_401)
let archive: Buffer
let backedUp: string

beforeAll(async () => {
  await database.start()
  archive = await database.backup()
  backedUp = (await database.content()).manifest
})
afterAll(() => database.stop())

/** A later state: rows changed, a newer schema, a table of its own with a foreign key to an old one. */
const LATER = `
update public.alembic_version set version_num = '0002';
delete from public.tasks where id % 2 = 0;
create table if not exists public.notes (task integer not null references public.tasks, text text not null);
insert into public.notes select id, 'n' from public.tasks limit 10;
`

/** In the cluster it restores as superuser by the socket, elsewhere as the owner of the tables over the network. */
describe.each([
  ['in the cluster', () => ({})],
  ['outside', () => database.outside()],
])('%s', (_where, env) => {
  it('replaces the whole schema, and keeps the old one until it is told', async () => {
    await database.as('todo_migrator', LATER)
    const later = await database.content()
    const refused = await database.run('restore', [], { input: archive, env: env() })
    expect([refused.exitCode, refused.said]).toEqual([3, expect.stringMatching(/the database has 260 rows; nothing was changed/)])
    expect(await database.content()).toEqual(later)

    const restored = await database.run('restore', ['--force'], { input: archive, env: env() })
    expect([restored.exitCode, restored.said]).toEqual([0, expect.stringMatching(/the 260 rows from before are put aside as before_restore_\d{8}t\d{6}z/)])
    const now = await database.content()
    expect(now.manifest).toBe(backedUp)
    expect(now.aside).toHaveLength(1)
    expect(await database.as('postgres', "select to_regclass('public.notes') as notes")).toEqual([{ notes: null }])
    // Roles and policies came back with it.
    expect(await database.as('todo_tasks', "set todo.owner = 'ada'; select count(*)::integer as tasks from public.tasks")).toEqual([{ tasks: 500 }])
    expect(await database.as('todo_tasks', "set todo.owner = 'eve'; select count(*)::integer as tasks from public.tasks")).toEqual([{ tasks: 0 }])

    // What was put aside is no part of the next backup.
    const again = await database.run('restore', ['--force'], { input: await database.backup(), env: env() })
    expect(again.exitCode, again.said).toBe(0)
    expect((await database.content()).aside).toHaveLength(2)
    await database.run('restore', ['--undo'], { env: env() })
    await sleep(1_000)
    const undone = await database.run('restore', ['--undo'], { env: env() })
    expect([undone.exitCode, undone.said]).toEqual([0, expect.stringMatching(/is back; what was there is put aside/)])
    const forgotten = await database.run('restore', ['--forget'], { env: env() })
    expect([forgotten.exitCode, forgotten.said]).toEqual([0, expect.stringMatching(/dropped before_restore_/)])
    expect((await database.content()).aside).toEqual([])
    expect((await database.run('restore', ['--undo'], { env: env() })).exitCode).toBe(3)
  })
})

describe('who writes meanwhile', () => {
  it('waits, and writes into what was restored', async () => {
    const writer = await database.client('todo_tasks')
    await writer.query("set todo.owner = 'ada'")
    const trouble: unknown[] = []
    let written = 0
    let running = true
    const writing = (async () => {
      for (; running; written += 1) await writer.query("insert into public.tasks (owner, title) values ('ada', 'while restoring')").catch((error: unknown) => trouble.push(error))
    })()
    const restored = await database.run('restore', ['--force'], { input: archive })
    const before = written
    while (written < before + 20) await sleep(20)
    running = false
    await writing
    await writer.end()
    expect(restored.exitCode, restored.said).toBe(0)
    expect(trouble).toEqual([])
    const [row] = await database.as('postgres', "select count(*)::integer as kept from public.tasks where title = 'while restoring'")
    expect(row?.['kept']).toBeGreaterThanOrEqual(20)
    const [aside] = (await database.content()).aside.slice(-1)
    const [old] = await database.as('postgres', `select count(*)::integer as rows, count(*) filter (where xmin::text::bigint > (select xmin::text::bigint from pg_namespace where nspname = 'public'))::integer as late from ${aside}.tasks where title = 'while restoring'`)
    expect(Number(old?.['rows']) + Number(row?.['kept'])).toBe(written)
    // The transaction that made the new schema let nobody write into the old one any more, but for the moment in which it took one lock after the
    // other. Without locks it is hundreds.
    expect(old?.['late']).toBeLessThanOrEqual(10)
  })

  it('and holds a table for too long stops the restore, which changes nothing', async () => {
    const holder = await database.client('todo_migrator')
    await holder.query("begin; insert into public.tasks (owner, title) values ('ada', 'held')")
    const before = await database.content()
    const { exitCode, said } = await database.run('restore', ['--force'], { input: archive })
    expect([exitCode, said]).toEqual([1, expect.stringMatching(/lock timeout[\s\S]*the old schema cannot be put aside; nothing was changed/)])
    await holder.query('rollback')
    await holder.end()
    expect(await database.content()).toEqual(before)
  })
})

describe('a restore that is killed', () => {
  // The whole of it takes less than a second.
  it.each([20, 60, 100, 150, 200, 300, 400, 600])('after %i ms leaves one of the two states, and the next one works', async (delay) => {
    await database.as('todo_migrator', LATER)
    const before = (await database.content()).manifest
    const child = database.launch('restore', ['--force'])
    const ended = finished(child, archive)
    await sleep(delay)
    // The shell and everything that it started.
    if (child.exitCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL')
    await ended
    expect([before, backedUp]).toContain((await database.content()).manifest)
    const next = await database.run('restore', ['--force'], { input: archive })
    expect(next.exitCode, next.said).toBe(0)
    expect((await database.content()).manifest).toBe(backedUp)
    expect(readdirSync(database.folder).filter((name) => name.startsWith('restore.'))).toEqual([])
  })
})

describe('what is no backup of this application', () => {
  const edit = (name: string, change: (bytes: Buffer) => Buffer) => async (folder: string) => writeFile(join(folder, name), change(await readFile(join(folder, name))))

  it.each<readonly [what: string, make: () => Promise<Buffer>, exitCode: number, said: RegExp]>([
    ['no archive', async () => Buffer.from('hello'), 3, /no archive made by backup/],
    ['one that was cut off', async () => archive.subarray(0, archive.length / 2), 3, /no archive|damaged|SHA256SUMS/],
    ['one with a changed byte', async () => {
      const copy = Buffer.from(archive)
      const at = copy.indexOf('PGDMP') + 2_000
      copy[at] = (copy[at] ?? 0) ^ 1
      return copy
    }, 3, /the archive is damaged/],
    ['one of a newer PostgreSQL', () => changedArchive(archive, edit('todo.dump', (bytes) => Buffer.concat([bytes.subarray(0, 6), Buffer.from([99]), bytes.subarray(7)]))), 3, /unsupported version[\s\S]*cannot be read by pg_restore/],
    ['one of another application', async () => {
      await database.as('todo_migrator', 'alter table public.alembic_version rename to other_version')
      try {
        return await database.backup()
      } finally {
        await database.as('todo_migrator', 'alter table public.other_version rename to alembic_version')
      }
    }, 3, /of another application/],
    ['one whose manifest tells something else', () => changedArchive(archive, edit('manifest.json', (bytes) => Buffer.from(bytes.toString().replace('tasks": 500', 'tasks": 501')))), 1, /not what the manifest says; nothing was changed/],
    ['one that names a role which is not here', async () => {
      await database.as('postgres', 'create role stranger; grant select on public.tasks to stranger')
      try {
        return await database.backup()
      } finally {
        await database.as('postgres', 'drop owned by stranger; drop role stranger')
      }
    }, 1, /role "stranger" does not exist[\s\S]*nothing was changed/],
  ])('%s is refused, and nothing is changed', async (_what, make, exitCode, said) => {
    const input = await make()
    const before = await database.content()
    const refused = await database.run('restore', ['--force'], { input })
    expect([refused.exitCode, refused.said]).toEqual([exitCode, expect.stringMatching(said)])
    expect(await database.content()).toEqual(before)
  })
})

describe('two restores at once', () => {
  it('are not: the second one is refused', async () => {
    const [one, other] = await Promise.all([database.run('restore', ['--force'], { input: archive }), database.run('restore', ['--force'], { input: archive })])
    expect([one.exitCode, other.exitCode].sort()).toEqual([0, 1])
    expect(one.said + other.said).toMatch(/another restore is running/)
    expect((await database.content()).manifest).toBe(backedUp)
  })
})
