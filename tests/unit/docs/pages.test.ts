/** Pages that are made of what Python and PostgreSQL say, and what the generators refuse. */
import { describe, expect, it } from 'vitest'
import { type Catalogue, dataModelPage } from '../../docs/data-model.ts'
import { deployerPage } from '../../docs/deployer.ts'
import { drift } from '../../docs/drift.ts'
import { type Variable, environmentPage } from '../../docs/environment.ts'
import { toLine } from '../../docs/finding.ts'
import { moduleFace } from '../../docs/module.ts'
import type { Served } from '../../docs/served.ts'
import { change, copyOfTheCode, lineOf } from './_copy.ts'

const CATALOGUE: Catalogue = {
  revision: '0002',
  reasons: { notes: 'A row of ``notes``.' },
  tables: [{ name: 'books', row_security: true, owner: 'owner' }, { name: 'notes', row_security: true, owner: 'owner' }],
  columns: [
    { table: 'books', name: 'id', type: 'bigint', required: true, generated: true, default: null },
    { table: 'notes', name: 'book_id', type: 'bigint', required: true, generated: false, default: null },
    { table: 'notes', name: 'written_at', type: 'timestamp with time zone', required: false, generated: false, default: 'now()' },
  ],
  constraints: [
    { table: 'books', name: 'books_pkey', kind: 'p', definition: 'PRIMARY KEY (id)', target: null, columns: ['id'] },
    { table: 'notes', name: 'notes_book_id_fkey', kind: 'f', definition: 'FOREIGN KEY (book_id) REFERENCES books(id)', target: 'books', columns: ['book_id'] },
  ],
  indexes: [{ table: 'notes', name: 'notes_by_book', definition: 'CREATE INDEX notes_by_book ON public.notes USING btree (book_id)' }],
  policies: [{ table: 'notes', name: 'notes_own_rows', command: 'ALL', roles: ['public'], using: 'true', check: null }],
  functions: [{ name: 'tidy()', as_owner: true, source: 'DELETE\n  FROM notes', callers: ['reader'] }],
  roles: [{ name: 'reader', login: true, inherit: false, superuser: false, create_database: false, create_role: false, bypass: false }],
  grants: [
    { table: 'notes', column: null, role: 'reader', privilege: 'SELECT' },
    { table: 'notes', column: 'written_at', role: 'reader', privilege: 'UPDATE' },
  ],
}

describe('the data model', () => {
  const page = dataModelPage(CATALOGUE)

  it('has a diagram of tables, types, keys and references', () => {
    for (const line of ['  books ||--o{ notes : book_id', '    bigint id PK', '    bigint book_id FK', '    timestamptz written_at']) expect(page.split('\n')).toContain(line)
  })

  const set = (edit: (catalogue: Catalogue) => void): Catalogue => {
    const copy = structuredClone(CATALOGUE)
    edit(copy)
    return copy
  }
  const first = <Row>([row]: readonly Row[]): Row => {
    if (row === undefined) throw new Error('no row')
    return row
  }

  it.each<[string, Catalogue, string, string]>([
    ['a renamed column', set(({ columns }) => columns.forEach((column) => { if (column.name === 'written_at') column.name = 'made_at' })), '| `written_at`', '`made_at`'],
    ['another default of a column', set(({ columns }) => columns.forEach((column) => { if (column.name === 'written_at') column.default = null })), '| `written_at`', '| yes |  |'],
    ['another reference', set(({ constraints }) => constraints.forEach((constraint) => { if (constraint.kind === 'f') constraint.definition += ' ON DELETE CASCADE' })), '| `notes_book_id_fkey`', 'CASCADE'],
    ['another index', set(({ indexes }) => { first(indexes).definition = 'CREATE UNIQUE INDEX notes_by_book ON public.notes USING btree (book_id)' }), '| `notes_by_book`', 'unique index'],
    ['another rule for rows', set(({ policies }) => { first(policies).using = 'false' }), '| `notes_own_rows`', '`false`'],
    ['a privilege more', set(({ grants }) => { grants.push({ table: 'notes', column: null, role: 'reader', privilege: 'DELETE' }) }), '| `reader` | SELECT', 'SELECT, UPDATE (written_at), DELETE'],
    ['a privilege on the whole table', set(({ grants }) => grants.forEach((grant) => { grant.column = null })), '| `reader` | SELECT', 'SELECT, UPDATE |'],
    ['a role that bypasses the rules', set(({ roles }) => { first(roles).bypass = true }), '| `reader` | yes', 'no | yes |'],
    ['a function for everybody', set(({ functions }) => { first(functions).callers = ['PUBLIC'] }), '| `tidy()`', '`PUBLIC`'],
  ])('tells %s', (_, changed, line, gives) => {
    expect(drift('data-model.md', page, dataModelPage(changed))).toContainEqual({ page: 'data-model.md', line: lineOf(page, line), message: expect.stringContaining(gives) })
  })
})

describe('the environment variables', () => {
  const PORT: Variable = { variable: 'TODO_PORT', required: false, schema: { type: 'integer', default: 8000, minimum: 1, maximum: 65535 }, meaning: '' }
  const FILE: Variable = { variable: 'TODO_KEY_FILE', required: true, schema: { anyOf: [{ type: 'string', format: 'path' }, { type: 'null' }] }, meaning: 'A key.' }
  const page = environmentPage({ backend: [PORT, FILE] })

  it('say default, range and meaning', () => {
    expect(page.split('\n')).toContain('| `TODO_PORT` | `8000` | integer ≥ 1 ≤ 65535 |  |')
    expect(page.split('\n')).toContain('| `TODO_KEY_FILE` | required | string (path) | A key. |')
  })

  it.each<[string, Variable, string]>([
    ['another port', { ...PORT, schema: { ...PORT.schema, default: 8080 } }, '`8080`'],
    ['another name', { ...PORT, variable: 'TODO_LISTEN' }, '`TODO_LISTEN`'],
    ['another range', { ...PORT, schema: { ...PORT.schema, minimum: 1024 } }, '≥ 1024'],
    ['that it must be given', { ...PORT, required: true }, '| required |'],
  ])('tell %s', (_, changed, gives) => {
    expect(drift('environment.md', page, environmentPage({ backend: [changed, FILE] })).map(toLine)).toEqual([expect.stringMatching(new RegExp(`^environment\\.md:${lineOf(page, '| `TODO_PORT`')}: .*the code gives .*${gives.replaceAll('|', '\\|')}`))])
  })
})

describe('the generators refuse', () => {
  const SERVED: Served = { program: { name: 'p', meaning: '', options: [] }, commands: [], settings: [], errors: {}, refusals: {}, results: { failed: 1 }, requirements: [] }

  it('an exit code that nothing explains', () => {
    expect(() => deployerPage({ ...SERVED, results: { failed: 7 } }, { exits: new Map(), comments: new Map() })).toThrow('the deployer can end with 7')
  })

  it('an argument of the module without a help text, with its line', async () => {
    await using copy = await copyOfTheCode()
    await change(copy.root, 'dagger/src/index.ts', '    /** Requests to each operation */\n', '')
    await expect(moduleFace(copy.root)).rejects.toThrow(/^dagger\/src\/index\.ts:\d+: examples has no comment/)
  })
})
