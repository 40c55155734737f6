/** What pages say in passing: functions, options, scripts, variables, requirements and policies that are named must exist. */
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Finding } from './finding.ts'
import { linesOf, type TextLine } from './markdown.ts'
import { type ModuleFace, moduleFace } from './module.ts'
import { SPECS } from './pages.ts'

/** What is there, by kind. */
export interface Known {
  module: ModuleFace
  deployerOptions: ReadonlySet<string>
  requirements: ReadonlySet<string>
  policies: ReadonlySet<string>
  variables: ReadonlySet<string>
  settings: ReadonlySet<string>
  /** Of the launcher and the scripts beside it. */
  launcherOptions: ReadonlySet<string>
  /** By name of an option, a setting or a variable: each default that something of that name has. */
  defaults: ReadonlyMap<string, ReadonlySet<string>>
  /** By folder: the scripts of the package in it; the root is empty. */
  scripts: ReadonlyMap<string, ReadonlySet<string>>
}

type Judge = (page: string, line: TextLine, known: Known) => Iterable<string>

/** The pieces of a line that are code. */
function codeOf({ text, fenced }: TextLine): string[] {
  return fenced ? [text] : [...text.matchAll(/`([^`]+)`/g)].map(([, piece = '']) => piece)
}

const OPTION = /^--([a-z][a-z-]*)/
const ENGINE_FUNCTIONS = /^(export|up|contents|file|entries|terminal|digest)$/

function* moduleCalls(_page: string, line: TextLine, { module }: Known): Iterable<string> {
  for (const piece of codeOf(line)) {
    const words = (/\bdagger (?:-- )?call (.*)$/.exec(piece)?.[1] ?? '').replace(/\s#.*$/, '').split(/\s+/)
    const options = new Map(module.arguments.map(({ name, type }) => [name, type]))
    let called: string | undefined
    let isValue = false
    for (const word of words) {
      const option = OPTION.exec(word)?.[1]
      if (option !== undefined) {
        if (option !== 'help' && !options.has(option)) yield `${called ?? 'the module'} has no argument --${option}`
        isValue = !word.includes('=') && options.get(option) !== 'boolean'
        continue
      }
      if (!isValue && called === undefined && /^[a-z][a-z-]*$/.test(word)) {
        const face = module.functions.find(({ name }) => name === word)
        called = word
        if (face === undefined) {
          yield `the module has no function ${word}`
          break
        }
        for (const { name, type } of face.arguments) options.set(name, type)
      }
      // What follows are functions of what was given: the engine's own.
      else if (!isValue && called !== undefined && ENGINE_FUNCTIONS.test(word)) break
      isValue = false
    }
  }
}

function* deployerCalls(_page: string, line: TextLine, { deployerOptions }: Known): Iterable<string> {
  for (const piece of codeOf(line)) {
    const rest = /(?:\btodo-chat-deploy|deploy\/src\/cli\.ts|dist\/deployer\.mjs) (.*)$/.exec(piece)?.[1]?.replace(/\s#.*$/, '') ?? ''
    for (const word of rest.split(/\s+/)) {
      const option = OPTION.exec(word)?.[0]
      if (option !== undefined && option !== '--help' && !deployerOptions.has(option)) yield `the deployer has no option ${option}`
    }
  }
}

function* requirementIds(_page: string, { text }: TextLine, { requirements }: Known): Iterable<string> {
  for (const [id] of text.matchAll(/\bCONF-\d{3}\b/g)) if (!requirements.has(id)) yield `no requirement is called ${id}`
}

function* policyIds(page: string, line: TextLine, { policies }: Known): Iterable<string> {
  if (!page.startsWith(`${SPECS}/`)) return
  const areas = new Set([...policies].map((id) => id.split('/')[0]))
  for (const piece of codeOf(line)) if (/^[a-z]+\/[a-z-]+$/.test(piece) && areas.has(piece.split('/')[0]) && !policies.has(piece)) yield `no policy is called ${piece}`
}

function* variableNames(_page: string, { text }: TextLine, { variables }: Known): Iterable<string> {
  for (const [name] of text.matchAll(/\bTODO_[A-Z0-9_]*[A-Z0-9]\b(?![_{*…])/g)) if (!variables.has(name)) yield `nothing reads ${name}`
}

function* packageScripts(page: string, line: TextLine, { scripts }: Known): Iterable<string> {
  const own = scripts.get(posix.dirname(page))
  for (const piece of codeOf(line)) {
    for (const [, name = ''] of piece.matchAll(/\bnpm run (?:--silent )?([a-z][a-z-]*)/g)) if (!scripts.get('')?.has(name) && !own?.has(name)) yield `package.json has no script ${name}`
  }
}

/** Whether a page speaks of this project only, and says so in passing. Benchmarks speak of other tools too. */
function isGuide(page: string): boolean {
  return page === 'README.md' || page === `${SPECS}/quickstart.md` || (/^docs\/[^/]+\.md$/.test(page) && page !== 'docs/benchmarks.md')
}

function* optionNames(page: string, line: TextLine, { deployerOptions, launcherOptions, module }: Known): Iterable<string> {
  if (!isGuide(page) || line.fenced) return
  const own = new Set([...module.arguments, ...module.functions.flatMap((face) => face.arguments)].map(({ name }) => `--${name}`))
  for (const piece of codeOf(line)) {
    const option = OPTION.exec(piece)?.[0]
    if (option !== undefined && ![deployerOptions, launcherOptions, own].some((names) => names.has(option))) yield `nothing has an option ${option}`
  }
}

const FILE = /\.(json|ts|mjs|md|ya?ml|html)$/

function* settingNames(page: string, line: TextLine, { settings }: Known): Iterable<string> {
  if (!isGuide(page) || line.fenced) return
  const groups = new Set([...settings].map((name) => name.split('.')[0]))
  for (const piece of codeOf(line)) if (/^[a-z]+(\.[a-zA-Z]+)+$/.test(piece) && !FILE.test(piece) && groups.has(piece.split('.')[0] ?? '') && !settings.has(piece)) yield `no setting is called ${piece}`
}

/** “`--rate`, default `100`”: what the page says is compared with what there is. */
function* defaultValues(page: string, { text, fenced }: TextLine, { defaults }: Known): Iterable<string> {
  if (!isGuide(page) || fenced) return
  for (const [, name = '', said = ''] of text.matchAll(/`([^`]+)`, default `([^`]*)`/g)) {
    const known = defaults.get(name)
    if (known === undefined) yield `nothing that is called ${name} has a default`
    else if (!known.has(said)) yield `the default of ${name} is ${[...known].join(' or ')}, not ${said}`
  }
}

const JUDGES: readonly Judge[] = [optionNames, settingNames, defaultValues, moduleCalls, deployerCalls, requirementIds, policyIds, variableNames, packageScripts]

/** @returns what is named on a page and does not exist */
export function unknownMentions(page: string, text: string, known: Known): Finding[] {
  return linesOf(text).flatMap((line) => [...new Set(JUDGES.flatMap((judge) => [...judge(page, line, known)]))].map((message) => ({ page, line: line.line, message })))
}

/** The table of functions in the README names every function of the module, and none beside them. */
export function functionTable(page: string, text: string, { functions }: ModuleFace): Finding[] {
  const lines = linesOf(text)
  const begin = lines.findIndex((line) => line.text === '## Functions')
  if (begin === -1) return [{ page, line: 1, message: 'the page has no section Functions' }]
  const length = lines.slice(begin + 1).findIndex((line) => line.text.startsWith('## '))
  const rows = lines.slice(begin, length === -1 ? undefined : begin + 1 + length).filter((line) => line.text.startsWith('| `'))
  const named = rows.flatMap((row) => codeOf({ ...row, text: row.text.split('|')[1] ?? '' }).map((name) => ({ name, line: row.line })))
  return [
    ...named.filter(({ name }) => !functions.some((face) => face.name === name)).map(({ name, line }) => ({ page, line, message: `the module has no function ${name}` })),
    ...functions.filter((face) => !named.some(({ name }) => name === face.name)).map(({ name }) => ({ page, line: begin + 1, message: `the function ${name} is not in the table` })),
  ]
}

/** What stands below a heading of the second level. */
function section(page: string, title: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? ''
}

function defaultsOf(module: ModuleFace, deployer: string, environment: string): Map<string, Set<string>> {
  const defaults = new Map<string, Set<string>>()
  const add = (name: string, value: string): unknown => value !== '' && defaults.set(name, (defaults.get(name) ?? new Set()).add(value))
  for (const { name, standard } of [...module.arguments, ...module.functions.flatMap((face) => face.arguments)]) add(`--${name}`, standard?.replaceAll(/^'|'$/g, '') ?? '')
  // Rows of `name` or `--option <value>`, then its default.
  for (const [, name = '', value = ''] of `${deployer}\n${environment}`.matchAll(/^\| `(--[a-z-]+|TODO_\w+)[^`]*` \| `([^`]*)` \|/gm)) add(name, value)
  for (const [, name = '', value = ''] of section(deployer, 'Names of settings').matchAll(/^\| `([^`]+)` \| [^|]*\| ([^|]*?) \|/gm)) add(name, value)
  return defaults
}

/**
 * @param files every file of the repository
 * @param generated pages as the code gives them now; for the others the committed ones count
 */
export async function knownOf(root: string, files: readonly string[], generated: ReadonlyMap<string, string>): Promise<Known> {
  const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8')
  const page = async (name: string): Promise<string> => generated.get(`${SPECS}/contracts/${name}`) ?? read(`${SPECS}/contracts/${name}`)
  const all = (text: string, pattern: RegExp, edit = (found: string): string => found): Set<string> => new Set([...text.matchAll(pattern)].map(([whole, part]) => edit(part ?? whole)))
  // A test goes on naming what the code no longer reads.
  const sources = await Promise.all(files.filter((file) => /\.(ts|mjs|js|py|sh|ya?ml|toml)$/.test(file) && !file.startsWith('tests/')).map(read))
  const launcher = await Promise.all(files.filter((file) => file.startsWith('scripts/') && file.endsWith('.mjs')).map(read))
  const policies = await Promise.all(files.filter((file) => file.startsWith('tests/validate/policies/')).map(read))
  const packages = await Promise.all(
    files.filter((file) => posix.basename(file) === 'package.json').map(async (file) => {
      const { scripts = {} } = JSON.parse(await read(file)) as { scripts?: Record<string, string> }
      const folder = posix.dirname(file)
      return [folder === '.' ? '' : folder, new Set(Object.keys(scripts))] as const
    }),
  )
  const [module, deployer, environment] = [await moduleFace(root), await page('deployer.md'), await page('environment.md')]
  return {
    module,
    settings: all(section(deployer, 'Names of settings'), /^\| `([^`]+)` \|/gm),
    launcherOptions: all(launcher.join('\n'), /["' ]--[a-z][a-z-]+/g, (option) => option.slice(1)),
    defaults: defaultsOf(module, deployer, environment),
    deployerOptions: all(deployer, /^\| `(--[a-z-]+)/gm),
    requirements: all(await page('conformance.md'), /CONF-\d{3}/g),
    policies: all(policies.join('\n'), /\bid: '([a-z]+\/[a-z-]+)'/g),
    // Those of the Python processes are made of a prefix and the names of fields, and stand nowhere as a whole.
    variables: all([environment, ...sources].join('\n'), /\bTODO_[A-Z0-9_]+\b/g),
    scripts: new Map(packages),
  }
}
