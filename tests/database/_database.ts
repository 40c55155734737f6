/** A server of the database image for the tests of one file, with a schema like the application's, and the image's commands beside it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Where the image expects the roles' passwords. */
const SECRETS = '/run/secrets/todo-db'
const START_TIMEOUT = 60_000

/** What a command gave. */
export interface Finished {
  exitCode: number | null
  stdout: Buffer
  said: string
}

const SCHEMA = `
create table public.alembic_version (version_num varchar(32) primary key);
insert into public.alembic_version values ('0001');
create table public.tasks (id integer generated always as identity primary key, owner text not null, title text not null);
alter table public.tasks enable row level security;
alter table public.tasks force row level security;
create policy own_tasks on public.tasks to todo_tasks using (owner = current_setting('todo.owner', true)) with check (owner = current_setting('todo.owner', true));
create policy backup_reads on public.tasks for select to todo_backup using (true);
create policy owner_writes on public.tasks to todo_migrator using (true) with check (true);
grant select, insert, delete on public.tasks to todo_tasks;
grant select on all tables in schema public to todo_backup;
grant select on all sequences in schema public to todo_backup;
alter default privileges for role todo_migrator in schema public grant select on tables to todo_backup;
insert into public.tasks (owner, title) select 'ada', 'task ' || n from generate_series(1, 500) as n;
`

export class Database {
  readonly folder = mkdtempSync(join(process.env['DATABASE_TEST_ROOM'] ?? tmpdir(), 'database-test-'))
  readonly port: number
  #server: ChildProcess | undefined
  #log = ''

  constructor(port: number) {
    this.port = port
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, PGDATA: join(this.folder, 'data'), PGPORT: String(this.port), TODO_DATABASE_PORT: String(this.port), TODO_DATABASE_SOCKET: this.folder, TODO_RESTORE_LOCK_TIMEOUT: '3s' }
  }

  /** Makes the database, its roles and its schema. */
  async start(): Promise<void> {
    const server = spawn('database-entrypoint', ['-c', `port=${this.port}`, '-c', `unix_socket_directories=${this.folder}`, '-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1'], { env: this.#env })
    server.stderr.on('data', (text: Buffer) => (this.#log += text))
    this.#server = server
    for (const deadline = Date.now() + START_TIMEOUT; ; await sleep(100)) {
      try {
        return await this.as('todo_migrator', SCHEMA).then(() => undefined)
      } catch (error) {
        if (Date.now() > deadline || server.exitCode !== null) throw new Error(`the server does not start\n${this.#log}`, { cause: error })
      }
    }
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server?.exitCode === null) {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGINT')
      await ended
    }
    rmSync(this.folder, { recursive: true, force: true })
  }

  async client(role: string): Promise<pg.Client> {
    const file = role === 'postgres' ? 'superuser' : role.replace('todo_', '')
    const client = new pg.Client({ host: '127.0.0.1', port: this.port, database: 'todo', user: role, password: await readFile(join(SECRETS, `${file}-password`), 'utf8') })
    // A server that is stopped is told to the client by an event.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** Runs statements as a role, and gives the rows of the last one. */
  async as(role: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = await this.client(role)
    try {
      const results: unknown = await client.query(sql)
      const last = (Array.isArray(results) ? results.at(-1) : results) as pg.QueryResult<Record<string, unknown>>
      return last.rows
    } finally {
      await client.end()
    }
  }

  /** Starts one of the image's commands. */
  launch(command: string, args: string[], env: Record<string, string> = {}): ChildProcess {
    return spawn(command, args, { env: { ...this.#env, ...env }, detached: true })
  }

  /** Runs one of the image's commands to its end. */
  async run(command: string, args: string[], { input, env = {} }: { input?: Buffer; env?: Record<string, string> } = {}): Promise<Finished> {
    return finished(this.launch(command, args, env), input)
  }

  /** @param where folder that archives are kept in @returns the newest archive, as tar */
  async backup(where = this.newFolder('backups'), env: Record<string, string> = {}): Promise<Buffer> {
    const made = await this.run('backup', [where], { env: { ...this.outside(), TODO_DATABASE_BACKUP_PASSWORD_FILE: join(SECRETS, 'backup-password'), ...env } })
    if (made.exitCode !== 0) throw new Error(made.said)
    const newest = readdirSync(where).filter((name) => name.startsWith('20')).sort().at(-1) ?? ''
    return (await finished(spawn('tar', ['--create', '--directory', join(where, newest), '.']))).stdout
  }

  /** What tells the commands that the server is somewhere else, where nobody is superuser. */
  outside(): Record<string, string> {
    return { TODO_DATABASE_HOST: '127.0.0.1', TMPDIR: this.folder, TODO_DATABASE_MIGRATOR_PASSWORD_FILE: join(SECRETS, 'migrator-password') }
  }

  newFolder(name: string): string {
    const path = join(this.folder, `${name}-${Date.now()}`)
    mkdirSync(path)
    return path
  }

  /** What the database holds, as a manifest tells it, and names of what was put aside. */
  async content(): Promise<{ manifest: string; aside: string[] }> {
    const { stdout, exitCode, said } = await this.run('describe-database', [], { env: { PGHOST: '127.0.0.1', PGUSER: 'postgres', PGDATABASE: 'todo', PGPASSWORD: await readFile(join(SECRETS, 'superuser-password'), 'utf8') } })
    if (exitCode !== 0) throw new Error(said)
    const aside = await this.as('postgres', "select nspname from pg_namespace where nspname like 'before%' order by 1")
    return { manifest: stdout.toString(), aside: aside.map(({ nspname }) => String(nspname)) }
  }
}

/** The end of a process, and both its streams. */
export async function finished(child: ChildProcess, input?: Buffer): Promise<Finished> {
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes))
  child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes))
  // A command that refuses does not read all of it.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { exitCode, stdout: Buffer.concat(stdout), said: Buffer.concat(stderr).toString() }
}

/** The same archive after somebody changed a file of it, with sums that fit. */
export async function changedArchive(archive: Buffer, change: (folder: string) => Promise<void>): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'archive-test-'))
  try {
    await finished(spawn('tar', ['--extract', '--directory', folder]), archive)
    await change(folder)
    const sums = await finished(spawn('sha256sum', ['globals.sql', 'manifest.json', 'todo.dump'], { cwd: folder }))
    await writeFile(join(folder, 'SHA256SUMS'), sums.stdout)
    return (await finished(spawn('tar', ['--create', '--directory', folder, '.']))).stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}
