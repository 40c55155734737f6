/** The deployer's types, as the compiler sees them. */
import { join } from 'node:path'
import ts from 'typescript'
import { Undocumented } from './finding.ts'

export const REPORT_SOURCE = 'deploy/src/report/report.ts'
export const ERRORS_SOURCE = 'deploy/src/errors.ts'
export const CLI_SOURCE = 'deploy/src/cli.ts'

/** Declarations of libraries do not change while this runs, and take most of the time. */
const libraries = new Map<string, ts.SourceFile | undefined>()

/** The compiler's view of the deployer in a repository, which must have its `node_modules`. */
export function deployerProgram(root: string): ts.Program {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: unknown }
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root)
  const host = ts.createCompilerHost(options)
  const read = host.getSourceFile.bind(host)
  host.getSourceFile = (file, ...rest) => {
    if (!file.includes('/node_modules/')) return read(file, ...rest)
    if (!libraries.has(file)) libraries.set(file, read(file, ...rest))
    return libraries.get(file)
  }
  return ts.createProgram({ rootNames: [REPORT_SOURCE, ERRORS_SOURCE, CLI_SOURCE].map((path) => join(root, path)), options, host })
}

export function sourceOf(program: ts.Program, path: string): ts.SourceFile {
  const source = program.getSourceFiles().find(({ fileName }) => fileName.endsWith(`/${path}`))
  if (source === undefined) throw new Undocumented({ page: path, line: 1, message: 'the file is missing' })
  return source
}

/** The declaration of a function by its name. @throws Undocumented when the file has none */
export function functionOf(program: ts.Program, path: string, name: string): ts.FunctionDeclaration {
  const found = sourceOf(program, path).statements.filter(ts.isFunctionDeclaration).find((statement) => statement.name?.text === name)
  if (found === undefined) throw new Undocumented({ page: path, line: 1, message: `there is no function ${name}` })
  return found
}

/** The members of a union of literals, in the order of its declaration. @throws Undocumented when the file has no such type */
export function literalsOf(program: ts.Program, path: string, name: string): { value: string; line: number; comment: string }[] {
  const source = sourceOf(program, path)
  const alias = source.statements.filter(ts.isTypeAliasDeclaration).find((statement) => statement.name.text === name)
  if (alias === undefined || !ts.isUnionTypeNode(alias.type)) throw new Undocumented({ page: path, line: 1, message: `there is no union ${name}` })
  return alias.type.types.map((member) => {
    const value = ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal) ? member.literal.text : member.getText(source)
    const rest = source.text.slice(member.end, source.text.indexOf('\n', member.end))
    return { value, line: source.getLineAndCharacterOfPosition(member.getStart(source)).line + 1, comment: /\/\/\s*(.*)$/.exec(rest)?.[1] ?? '' }
  })
}

/** By the name of each exported class: the first sentences of its comment. */
export function classComments(program: ts.Program, path: string): [name: string, comment: string][] {
  return sourceOf(program, path)
    .statements.filter(ts.isClassDeclaration)
    .map((statement) => {
      const [comment] = ts.getJSDocCommentsAndTags(statement)
      return [statement.name?.text ?? '', ts.getTextOfJSDocComment(comment?.comment as string | undefined) ?? '']
    })
}
