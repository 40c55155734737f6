/** From the output of a failed command to what a person needs of it: some lines, and the places in the repository that they name. Pure. */

// Terminal colours in a tool's output.
const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g')

/** Where a tool's account of its first failure begins: pytest, vitest and Jest, compilers and linters. */
const FAILURE = /^(=+ (FAILURES|ERRORS) =+|_{3,} .+ _{3,}|FAILED |ERROR |E {2,}|[\s⎯]*Failed (Tests|Suites)|\s*(FAIL|✗|×|●) |.*\berror\b)/i

/**
 * @param limit most lines that are given, at least 10
 * @returns the output without colours: all of it, or from its first failure on, and its end. What is left out is said
 */
export function excerpt(output: string, limit: number): string {
  const lines = output.replace(ANSI, '').replace(/\r\n?/g, '\n').trim().split('\n')
  if (lines.length <= limit) return lines.join('\n')
  const first = Math.max(0, lines.findIndex((line) => FAILURE.test(line)))
  // Summaries stand at the end, behind tables of coverage.
  const end = Math.floor(limit / 4)
  const space = limit - end - 2
  const from = Math.min(first, lines.length - end - space)
  const gap = (count: number): string[] => (count > 0 ? [`… ${count} lines left out …`] : [])
  const until = from + space
  return [...gap(from), ...lines.slice(from, until), ...gap(lines.length - end - until), ...lines.slice(-end)].join('\n')
}

/** A place in the repository, and what a tool says about it (empty where that stands elsewhere). */
export type Location = { file: string; line: number; message: string }

const PLACES: readonly RegExp[] = [
  // A Python traceback.
  /File "(?<file>[^"]+\.py)", line (?<line>\d+)(?<message>)/,
  // tsc
  /(?<file>[\w@./-]+\.\w+)\((?<line>\d+),\d+\): error (?<message>.*)/,
  // ruff's own form
  /--> (?<file>[\w@./-]+\.\w+):(?<line>\d+)(:\d+)?(?<message>)/,
  // mypy, hadolint, actionlint, vitest, and frames of a JavaScript stack
  /(?<file>[\w@./-]+?(?:\.\w+|\/Dockerfile)):(?<line>\d+)(?::\d+)?\)?:?\s*(?<message>.*)/,
  // shellcheck
  /^In (?<file>[\w@./-]+) line (?<line>\d+):(?<message>)/,
]

/** Code that is not the project's. */
const FOREIGN = /(^|\/)(node_modules|site-packages|dist-packages|usr|venv|opt)\/|^node:|^[a-z]+:\/\//

/**
 * @param folder where the command ran, in the repository, with a slash at the end; empty for its root
 * @returns the places that the output names, each once, in its order
 */
export function locations(output: string, folder: string): Location[] {
  const found = new Map<string, Location>()
  let headline: string | undefined
  for (const line of output.replace(ANSI, '').split(/\r?\n/)) {
    // ESLint names the file once, above its lines.
    if (/^\/?[\w@./-]+\.(ts|tsx|js|mjs|cjs)$/.test(line)) headline = line
    const listed = /^\s+(?<line>\d+):\d+\s+error\s+(?<message>.*)/.exec(line)?.groups
    const groups = headline !== undefined && listed !== undefined ? { file: headline, ...listed } : PLACES.map((place) => place.exec(line)?.groups).find((match) => match !== undefined)
    const { file: path = '', line: number = '', message = '' } = groups ?? {}
    const file = repositoryPath(path, folder)
    const place = `${file}:${number}`
    if (file !== undefined && !found.has(place)) found.set(place, { file, line: Number(number), message: message.trim() })
  }
  return [...found.values()]
}

/** Containers have the repository in /workspace, and the folders of the application where they are in it. */
function repositoryPath(path: string, folder: string): string | undefined {
  if (path === '' || FOREIGN.test(path)) return undefined
  if (path.startsWith('/workspace/')) return path.slice('/workspace/'.length)
  if (path.startsWith('/app/')) return path.slice(1)
  if (path.startsWith('/') || path.startsWith('..')) return undefined
  return folder + path.replace(/^\.\//, '')
}
