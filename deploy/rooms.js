/** The rooms of the deployer from the top to the ground. A file may import from its own room and from those below it; rooms beside each other do not know each other. */
export const ROOMS = [
  ['cli.ts'],
  ['todo-chat.ts'],
  ['commands'],
  ['session.ts'],
  ['report', 'database'],
  ['rollout'],
  ['proof', 'plan'],
  ['kinds', 'cluster'],
  ['release'],
  ['errors.ts', '_duration.ts', '_poll.ts'],
]

/** @param {string} name of a room, which is a folder or a single file */
const isFile = (name) => name.endsWith('.ts')

/**
 * What a file of a room may not import.
 * @param {string} room
 * @returns {string[]} rooms above it and beside it; on the ground the files beside it are allowed
 */
export function forbiddenFor(room) {
  const level = ROOMS.findIndex((names) => names.includes(room))
  const beside = level === ROOMS.length - 1 ? [] : (ROOMS[level] ?? [])
  return [...ROOMS.slice(0, level).flat(), ...beside].filter((name) => name !== room)
}

/** ESLint's configuration: an import that runs upwards or sideways is an error. */
export const roomRules = ROOMS.flat()
  .filter((room) => forbiddenFor(room).length > 0)
  .map((room) => {
    const names = forbiddenFor(room).map((name) => (isFile(name) ? name.replaceAll('.', String.raw`\.`) : `${name}/`))
    const regex = `^(\\.\\./|\\./)+(${names.join('|')})`
    const message = `${room} may import only from rooms below it, in the order of deploy/rooms.js.`
    return {
      files: [isFile(room) ? `deploy/src/${room}` : `deploy/src/${room}/**/*.ts`],
      rules: {
        'no-restricted-imports': ['error', { patterns: [{ regex, message }] }],
        // An import as an expression or as a type is one too.
        'no-restricted-syntax': ['error', { selector: `:matches(ImportExpression, TSImportType) Literal[value=/${regex.replaceAll('/', String.raw`\/`)}/]`, message }],
      },
    }
  })
