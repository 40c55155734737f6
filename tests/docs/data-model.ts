/** The page of the database: what its catalogue holds after all migrations. Pure. */
import { code, heading, table } from './markdown.ts'

/** Rows of `catalogue.py`. */
export interface Catalogue {
  revision: string
  /** By table: what its model says of it. */
  reasons: Record<string, string>
  tables: { name: string; row_security: boolean; owner: string }[]
  columns: { table: string; name: string; type: string; required: boolean; generated: boolean; default: string | null }[]
  constraints: { table: string; name: string; kind: string; definition: string; target: string | null; columns: string[] }[]
  indexes: { table: string; name: string; definition: string }[]
  policies: { table: string; name: string; command: string; roles: string[]; using: string | null; check: string | null }[]
  functions: { name: string; as_owner: boolean; source: string; callers: string[] }[]
  roles: { name: string; login: boolean; inherit: boolean; superuser: boolean; create_database: boolean; create_role: boolean; bypass: boolean }[]
  grants: { table: string; column: string | null; role: string; privilege: string }[]
}

const KINDS: Readonly<Record<string, string>> = { p: 'primary key', f: 'foreign key', u: 'unique', c: 'check' }

const yes = (value: boolean): string => (value ? 'yes' : 'no')

/** `SELECT, UPDATE (lease_expires_at)` of one role on one table. */
function grantText(grants: Catalogue['grants']): string {
  const columns = new Map<string, string[]>()
  for (const { privilege, column } of grants) columns.set(privilege, [...(columns.get(privilege) ?? []), ...(column === null ? [] : [column])])
  return [...columns].map(([privilege, names]) => (names.length === 0 ? privilege : `${privilege} (${names.join(', ')})`)).join(', ')
}

/** A type as one word, which is all that the diagram takes. */
function word(type: string): string {
  return type.replace('timestamp with time zone', 'timestamptz').replaceAll(/\W+/g, '_').replace(/_$/, '')
}

function diagram({ tables, columns, constraints }: Catalogue): string[] {
  const key = (table: string, column: string): string => {
    const kinds = constraints.filter((constraint) => constraint.table === table && constraint.columns.includes(column)).map(({ kind }) => kind)
    return kinds.includes('p') ? ' PK' : kinds.includes('f') ? ' FK' : kinds.includes('u') ? ' UK' : ''
  }
  return [
    '```mermaid',
    'erDiagram',
    ...constraints.filter(({ kind }) => kind === 'f').map(({ table, target, columns: own }) => `  ${target} ||--o{ ${table} : ${own.join('_')}`),
    ...tables.flatMap(({ name }) => [`  ${name} {`, ...columns.filter((column) => column.table === name).map((column) => `    ${word(column.type)} ${column.name}${key(name, column.name)}`), '  }']),
    '```',
    '',
  ]
}

function tableLines(catalogue: Catalogue, { name, row_security }: Catalogue['tables'][number]): string[] {
  const of = <Row extends { table: string }>(rows: readonly Row[]): Row[] => rows.filter((row) => row.table === name)
  const grants = of(catalogue.grants)
  const holders = [...new Set(grants.map(({ role }) => role))]
  const reason = catalogue.reasons[name] ?? ''
  return [
    `## ${name}`,
    '',
    ...(reason === '' ? [] : [...reason.split('\n').map((line) => line.trim()), '']),
    ...table(['column', 'type', 'null', 'default'], of(catalogue.columns).map((column) => [code(column.name), column.type, yes(!column.required), column.generated ? 'generated always' : code(column.default ?? '')])),
    ...table(['key or rule', 'kind', 'definition'], [
      ...of(catalogue.constraints).map((constraint) => [code(constraint.name), KINDS[constraint.kind] ?? constraint.kind, code(constraint.definition)]),
      ...of(catalogue.indexes).map((index) => [code(index.name), index.definition.startsWith('CREATE UNIQUE') ? 'unique index' : 'index', code(index.definition.replace(/^.* USING /, ''))]),
    ]),
    row_security ? 'Row-level security is on.' : 'Row-level security is off.',
    '',
    ...(of(catalogue.policies).length === 0 ? [] : table(['policy', 'for', 'of', 'rows that are seen', 'rows that may be written'], of(catalogue.policies).map((policy) => [code(policy.name), policy.command, policy.roles.join(', '), code(policy.using ?? ''), code(policy.check ?? '')]))),
    ...(holders.length === 0 ? [] : table(['role', 'may'], holders.map((holder) => [code(holder), grantText(grants.filter(({ role }) => role === holder))]))),
  ]
}

/** The page. */
export function dataModelPage(catalogue: Catalogue): string {
  return [
    ...heading('Data model', `the catalogue of a PostgreSQL with every [migration](../../app/backend/src/todo_chat/db/migrations/versions/0001_tasks_conversations_messages.py), revision ${catalogue.revision}`),
    `All tables are in the schema \`public\` and belong to ${[...new Set(catalogue.tables.map(({ owner }) => code(owner)))].join(', ')}. \`app.user_id\` is the user whose transaction it is.`,
    '',
    ...diagram(catalogue),
    ...catalogue.tables.flatMap((row) => tableLines(catalogue, row)),
    '## Functions',
    '',
    ...table(['function', 'runs as', 'may be called by', 'does'], catalogue.functions.map(({ name, as_owner, callers, source }) => [code(name), as_owner ? 'its owner' : 'its caller', callers.map(code).join(', '), code(source.trim().replaceAll(/\s+/g, ' '))])),
    '## Roles',
    '',
    'Made by [roles.sql](../../app/backend/src/todo_chat/db/roles.sql). A backup role that bypasses row-level security needs a superuser to make it; elsewhere the policies `…_backup_reads` do the same.',
    '',
    ...table(['role', 'log in', 'inherits', 'superuser', 'creates databases', 'creates roles', 'bypasses row-level security'], catalogue.roles.map(({ name, login, inherit, superuser, create_database, create_role, bypass }) => [code(name), ...[login, inherit, superuser, create_database, create_role, bypass].map(yes)])),
  ].join('\n')
}
