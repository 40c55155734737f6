/** What differs between two teams: the named settings of a deployment, what each may be, and where it must be given. */
import { isIPv4 } from 'node:net'
import { isMap, isScalar, parseDocument } from 'yaml'
import { parseDuration } from '../_duration.ts'
import { BadInput } from '../errors.ts'
import type { Environment } from './gates.ts'
import type { KubeObject } from './objects.ts'
import { type Policy, POLICY_NAMES, POLICY_TABLE, type PolicyName, STANDARD_POLICY } from './policy.ts'

/** Reads one value, as text of `--set` or as a value of a settings file. */
interface Kind<Value> {
  /** What a value must be: ends the sentence "must be …". */
  rule: string
  /** @returns `undefined` for a value that breaks the rule */
  parse(value: unknown): Value | undefined
}

interface Setting<Value = unknown> extends Kind<Value> {
  meaning: string
  /** What holds when it is not given. */
  standard: string
  /** Environments that have no default worth the name. */
  requiredIn: readonly Environment[]
  /** What the manifests carry until it is given; no cluster may see it. */
  placeholder?: string
  /** The setting without which this one means nothing, in environments that have no such part by themselves. */
  partOf?: 'database.host' | 'model.baseUrl' | 'oidc.issuer'
}

/** Every placeholder of the manifests is a name in here. */
const PLACEHOLDERS = 'todo-chat.example'

function matching(rule: string, pattern: RegExp): Kind<string> {
  return { rule, parse: (value) => (typeof value === 'string' && pattern.test(value) && !value.includes(PLACEHOLDERS) ? value : undefined) }
}

function integer(least: number, most: number): Kind<number> {
  return {
    rule: `a whole number from ${least} to ${most}`,
    parse(value) {
      const number = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)) ? Number(value) : Number.NaN
      return Number.isInteger(number) && number >= least && number <= most ? number : undefined
    },
  }
}

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
const hostName = matching('a host name with a dot, in small letters, such as todo.example.org', new RegExp(`^(?=.{1,253}$)${LABEL}(\\.${LABEL})+$`))
const server = matching('a host name or IPv4 address, in small letters', new RegExp(`^(?=.{1,253}$)${LABEL}(\\.${LABEL})*$`))
const objectName = matching('the name of a Kubernetes object: small letters, digits, - and .', new RegExp(`^(?=.{1,253}$)${LABEL}(\\.${LABEL})*$`))
const oneWord = matching('visible ASCII characters without quotation marks', /^[\x21\x23-\x26\x28-\x5f\x61-\x7e]+$/)

const httpsUrl: Kind<string> = {
  rule: 'an https address without user, query and fragment',
  parse(value) {
    if (oneWord.parse(value) === undefined || !URL.canParse(String(value))) return undefined
    const { protocol, username, password, search, hash } = new URL(String(value))
    return protocol === 'https:' && username + password + search + hash === '' ? String(value) : undefined
  },
}

const network: Kind<string> = {
  rule: 'an IPv4 network, such as 10.20.0.0/16',
  parse(value) {
    const [, address = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(String(value)) ?? []
    return isIPv4(address) && Number(bits) <= 32 ? String(value) : undefined
  },
}

const flag: Kind<boolean> = {
  rule: 'true or false',
  parse: (value) => (value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined),
}

const duration: Kind<number> = {
  rule: 'a duration with its unit, such as 90s or 5m',
  parse(value) {
    try {
      return parseDuration(String(value))
    } catch {
      return undefined
    }
  },
}

const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/

const labels: Kind<Record<string, string>> = {
  rule: 'labels as key=value,key=value',
  parse(value) {
    const pairs = typeof value === 'string' ? value.split(',').map((pair) => pair.split('=')) : typeof value === 'object' && value !== null ? Object.entries(value) : []
    const isLabel = (pair: unknown[]): pair is [string, string] => pair.length === 2 && LABEL_KEY.test(String(pair[0])) && typeof pair[1] === 'string' && LABEL_VALUE.test(pair[1])
    return pairs.length > 0 && pairs.every(isLabel) ? Object.fromEntries(pairs as [string, string][]) : undefined
  },
}

function setting<Value>(meaning: string, kind: Kind<Value>, rest: Partial<Pick<Setting, 'standard' | 'requiredIn' | 'placeholder' | 'partOf'>> = {}): Setting<Value> {
  return { meaning, standard: 'none', requiredIn: [], ...kind, ...rest }
}

type PolicySetting = `policy.${PolicyName}`

/** They change no object: graces and limits by which a release is judged. */
const POLICY_SETTINGS = Object.fromEntries(POLICY_NAMES.map((name) => [`policy.${name}`, setting(`how long a release is waited for: ${POLICY_TABLE[name].why}`, duration, { standard: POLICY_TABLE[name].standard })])) as Record<PolicySetting, Setting<number>>

/** Names are those of the chart's values where there is one. */
export const SETTINGS = {
  host: setting('host name under which people reach the application', hostName, { requiredIn: ['staging', 'prod'], placeholder: 'todo-chat.example', standard: 'todo-chat.localhost in dev' }),
  'ingress.class': setting('ingress class of the cluster', objectName, { standard: 'traefik' }),
  'ingress.controller.namespace': setting('namespace of the ingress controller, from which alone requests are let in', objectName, { standard: 'kube-system' }),
  'ingress.controller.podLabels': setting("labels of the ingress controller's pods", labels, { standard: 'app.kubernetes.io/name=traefik' }),
  'ingress.issuer': setting('cluster issuer of cert-manager that makes the certificate of the host', objectName, { standard: 'none: the certificate comes with the secrets (tls.crt, tls.key), or from the ingress controller' }),
  'ingress.tlsSecret': setting('Secret with the certificate of the host', objectName, { standard: 'todo-chat-tls in staging and prod, no TLS in dev' }),
  'database.host': setting('PostgreSQL 15 or newer outside the cluster', server, { requiredIn: ['prod'], placeholder: 'database.todo-chat.example', standard: 'in the cluster in dev and staging' }),
  'database.port': setting('port of that server', integer(1, 65535), { standard: '5432', partOf: 'database.host' }),
  'database.name': setting('database on that server', matching('a PostgreSQL name in small letters', /^[a-z_][a-z0-9_]{0,62}$/), { standard: 'todo', partOf: 'database.host' }),
  'database.adminUser': setting('role with CREATEROLE on that server, for the migration; its password is the secret superuser-password', matching('a PostgreSQL role: letters, digits, _ . @ -', /^[A-Za-z_][\w.@-]{0,62}$/), { standard: 'todo_admin', partOf: 'database.host' }),
  'database.sslMode': setting("how the server's certificate is checked", matching('verify-full or verify-ca', /^verify-(full|ca)$/), { standard: 'verify-full', partOf: 'database.host' }),
  'database.cidr': setting('network of that server, when it has no public address', network, { standard: 'any public address', partOf: 'database.host' }),
  'model.baseUrl': setting('OpenAI-compatible endpoint', httpsUrl, { standard: 'https://api.openai.com/v1 in prod, the scripted model in dev and staging' }),
  'model.name': setting('model to ask for', oneWord, { standard: 'gpt-4o-mini', partOf: 'model.baseUrl' }),
  'model.cidr': setting('network of the endpoint, when it has no public address', network, { standard: 'any public address', partOf: 'model.baseUrl' }),
  'oidc.issuer': setting('issuer of the OpenID Connect provider where people sign in', httpsUrl, { requiredIn: ['staging', 'prod'], placeholder: 'login.todo-chat.example', standard: 'the development login in dev' }),
  'oidc.clientId': setting('client of the application at that provider', oneWord, { requiredIn: ['staging', 'prod'], placeholder: 'client-id.todo-chat.example', partOf: 'oidc.issuer' }),
  'oidc.cidr': setting('network of the provider, when it has no public address', network, { standard: 'any public address', partOf: 'oidc.issuer' }),
  'images.pullSecret': setting('Secret of type kubernetes.io/dockerconfigjson for the registry; its value comes with the secrets as .dockerconfigjson, unless it exists', objectName),
  'trust.privateCa': setting('true: trust the authorities in the secret ca.crt instead of those in the images', flag, { standard: 'false' }),
  'autoscaling.minReplicas': setting('least pods of each tier; 1 in dev only, where a node may take the application with it', integer(1, 100), { standard: '2, 3 in prod' }),
  'autoscaling.maxReplicas': setting('most pods of each tier, within the quota of the namespace', integer(1, 100), { standard: '3, 6 in prod' }),
  ...POLICY_SETTINGS,
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS
type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never
/** Checked values by name; what is absent was not given. */
export type Settings = { [Name in SettingName]?: ValueOf<(typeof SETTINGS)[Name]> }

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name)
}

/** @throws BadInput for an unknown name: lists the known ones */
function checkName(name: string, source: string): SettingName {
  if (isSetting(name)) return name
  throw new BadInput(`${source}: there is no setting ${name}`, { next: `the settings are ${SETTING_NAMES.join(', ')}` })
}

/** @throws BadInput for a value that breaks the rule of its setting: names setting, rule and value */
function checkValue(name: SettingName, value: unknown, source: string): unknown {
  const { rule, parse }: Setting = SETTINGS[name]
  const parsed = parse(value)
  if (parsed !== undefined) return parsed
  const shown = typeof value === 'string' ? value : JSON.stringify(value)
  const trouble = shown.includes(PLACEHOLDERS) ? `${shown} is the placeholder of the manifests` : `it is ${shown === '' ? 'empty' : shown}`
  throw new BadInput(`${source}: setting ${name} must be ${rule}; ${trouble}`, { next: '`settings` explains each setting' })
}

/** Nested or dotted names → one entry per setting. */
function flatten(node: Record<string, unknown>, prefix: string, source: string): [SettingName, unknown][] {
  return Object.entries(node).flatMap(([key, value]): [SettingName, unknown][] => {
    const name = prefix + key
    const isGroup = !isSetting(name) && typeof value === 'object' && value !== null && !Array.isArray(value)
    return isGroup ? flatten(value as Record<string, unknown>, `${name}.`, source) : [[checkName(name, source), value]]
  })
}

/** A settings file: YAML or JSON. Its text is not repeated in messages: it may travel as a secret. */
function parseFile(text: string, source: string): [SettingName, unknown][] {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error !== undefined) throw new BadInput(`${source}: not YAML (${error.code}${error.linePos === undefined ? '' : `, line ${error.linePos[0].line}`})`, { next: 'give an object of setting to value' })
  // An empty file is what a pipeline hands over where nothing is set.
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return []
  if (!isMap(document.contents)) throw new BadInput(`${source}: expected an object of setting to value`, { next: '`settings` lists the settings' })
  return flatten(document.toJS() as Record<string, unknown>, '', source)
}

/**
 * @param file text of the settings file; an empty one sets nothing
 * @param assignments `name=value` of `--set`, which win over the file
 * @throws BadInput naming the setting, its rule and its value
 */
export function parseSettings(file: { text: string; source: string } | undefined, assignments: readonly string[]): Settings {
  const settings: Record<string, unknown> = {}
  for (const [name, value] of file === undefined ? [] : parseFile(file.text, file.source)) settings[name] = checkValue(name, value, file?.source ?? '')
  for (const assignment of assignments) {
    const at = assignment.indexOf('=')
    if (at < 1) throw new BadInput(`--set ${assignment}: not name=value`, { next: '`settings` lists the settings' })
    const name = checkName(assignment.slice(0, at), '--set')
    settings[name] = checkValue(name, assignment.slice(at + 1), '--set')
  }
  return settings as Settings
}

/** @returns the policy with what the settings change of it */
export function policyFrom(settings: Settings): Policy {
  return Object.fromEntries(POLICY_NAMES.map((name) => [name, settings[`policy.${name}`] ?? STANDARD_POLICY[name]])) as Policy
}

/** @returns whether a setting is about the release's objects */
export function isOfObjects(name: string): boolean {
  return !name.startsWith('policy.')
}

/** A required setting that a release lacks, or a placeholder that nobody knows. */
export interface MissingSetting {
  /** Absent for a placeholder that belongs to no setting. */
  name?: SettingName
  placeholder: string
  /** An object that carries it. */
  carrier: string
}

const PLACEHOLDER = new RegExp(`[\\w.-]*${PLACEHOLDERS.replace('.', '\\.')}`, 'g')

function settingOf(placeholder: string): SettingName | undefined {
  const exact = SETTING_NAMES.find((name) => (SETTINGS[name] as Setting).placeholder === placeholder)
  // The hosts of two environments differ.
  return exact ?? (placeholder === `staging.${PLACEHOLDERS}` ? 'host' : undefined)
}

/** What the manifests leave to be filled in and nobody has: the placeholders that the objects still carry. */
export function missingSettings(objects: readonly KubeObject[]): MissingSetting[] {
  const missing = new Map<string, MissingSetting>()
  for (const object of objects) {
    for (const [placeholder] of JSON.stringify(object).matchAll(PLACEHOLDER)) {
      const name = settingOf(placeholder)
      const key = name ?? placeholder
      if (!missing.has(key)) missing.set(key, { ...(name && { name }), placeholder, carrier: `${object.kind} ${object.metadata.name}` })
    }
  }
  return [...missing.values()]
}

/** Row of the printed table. */
export interface SettingRow {
  name: SettingName
  meaning: string
  value: string
  standard: string
  requiredIn: readonly Environment[]
}

export function settingRows(): SettingRow[] {
  return SETTING_NAMES.map((name) => {
    const { meaning, rule, standard, requiredIn }: Setting = SETTINGS[name]
    return { name, meaning, value: rule, standard, requiredIn }
  })
}

export function settingsText(): string {
  return settingRows()
    .map(({ name, meaning, value, standard, requiredIn }) => `${name}${requiredIn.length === 0 ? '' : `  (required in ${requiredIn.join(', ')})`}\n  ${meaning}\n  value: ${value}\n  default: ${standard}`)
    .join('\n')
}
