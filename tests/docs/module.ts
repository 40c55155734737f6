/** The page of the Dagger module: its functions and their arguments, out of the source that the engine loads. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { Undocumented } from './finding.ts'
import { code, heading, table } from './markdown.ts'

export const MODULE_SOURCE = 'dagger/src/index.ts'

export interface ModuleArgument {
  /** As the command line has it: `ingress-url`. */
  name: string
  type: string
  /** Source of the default; absent for an argument that is required, empty for one that may be left out. */
  standard?: string
  meaning: string
}

export interface ModuleFunction {
  name: string
  /** The type that it gives, without its promise. */
  gives: string
  meaning: string
  isCheck: boolean
  isCached: boolean
  arguments: ModuleArgument[]
}

export interface ModuleFace {
  arguments: ModuleArgument[]
  functions: ModuleFunction[]
}

/** `ciReport` → `ci-report`, as the engine names it. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** @throws Undocumented naming the line of a function or an argument without a comment */
export async function moduleFace(root: string): Promise<ModuleFace> {
  const source = ts.createSourceFile(MODULE_SOURCE, await readFile(join(root, MODULE_SOURCE), 'utf8'), ts.ScriptTarget.Latest, true)
  const face = source.statements.filter(ts.isClassDeclaration).find((candidate) => decorator(candidate, 'object') !== undefined)
  if (face === undefined) throw new Undocumented({ page: MODULE_SOURCE, line: 1, message: 'no class has the decorator object' })
  const constructor = face.members.find(ts.isConstructorDeclaration)
  return {
    arguments: (constructor?.parameters ?? []).map((parameter) => argumentOf(source, parameter)),
    functions: face.members.filter(ts.isMethodDeclaration).flatMap((method) => {
      const func = decorator(method, 'func')
      if (func === undefined) return []
      return {
        name: kebab(method.name.getText(source)),
        gives: (method.type?.getText(source) ?? 'void').replace(/^Promise<(.*)>$/, '$1'),
        meaning: commentOf(source, method),
        isCheck: decorator(method, 'check') !== undefined,
        isCached: !/cache:\s*'never'/.test(func.getText(source)),
        arguments: method.parameters.map((parameter) => argumentOf(source, parameter)),
      }
    }),
  }
}

function argumentOf(source: ts.SourceFile, parameter: ts.ParameterDeclaration): ModuleArgument {
  const standard = parameter.initializer?.getText(source) ?? /defaultPath:\s*('[^']*')/.exec(decorator(parameter, 'argument')?.getText(source) ?? '')?.[1]
  return {
    name: kebab(parameter.name.getText(source)),
    type: parameter.type?.getText(source) ?? 'string',
    meaning: commentOf(source, parameter),
    ...(standard === undefined ? (parameter.questionToken === undefined ? {} : { standard: '' }) : { standard }),
  }
}

function decorator(node: ts.HasDecorators, name: string): ts.Decorator | undefined {
  return ts.getDecorators(node)?.find(({ expression }) => ts.isCallExpression(expression) && expression.expression.getText() === name)
}

function commentOf(source: ts.SourceFile, node: ts.Node & { name?: ts.Node }): string {
  const comment = ts.getLeadingCommentRanges(source.text, node.pos)?.findLast(({ kind, pos }) => kind === ts.SyntaxKind.MultiLineCommentTrivia && source.text.startsWith('/**', pos))
  if (comment === undefined) {
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
    throw new Undocumented({ page: MODULE_SOURCE, line, message: `${node.name?.getText(source) ?? 'this'} has no comment, which would be its help text` })
  }
  return source.text.slice(comment.pos + 3, comment.end - 2).replaceAll(/\n\s*\*\s?/g, '\n').trim()
}

function argumentTable(rows: readonly ModuleArgument[]): string[] {
  if (rows.length === 0) return []
  return table(['argument', 'type', 'default', 'meaning'], rows.map(({ name, type, standard, meaning }) => [code(`--${name}`), code(type), standard === undefined ? 'required' : code(standard), meaning]))
}

/** The page. */
export async function modulePage(root: string): Promise<string> {
  const { arguments: own, functions } = await moduleFace(root)
  return [
    ...heading('The module’s functions', `[${MODULE_SOURCE}](../../../${MODULE_SOURCE})`),
    'Called as `npm run dagger -- call <function>`, or `dagger call <function>`. Without a default an argument may be left out, unless it is required.',
    'Each failure is a non-zero exit code of the call, with what went wrong as its text.',
    '',
    '## Arguments of the module',
    '',
    'They stand before the name of the function.',
    '',
    ...argumentTable(own),
    ...functions.flatMap(({ name, gives, meaning, isCheck, isCached, arguments: rows }) => [
      `## ${name}`,
      '',
      `${meaning}.`.replace(/([.!?])\.$/, '$1'),
      '',
      `Gives ${code(gives)}.${isCheck ? ' One of `dagger check`.' : ''}${isCached ? ' Taken from the cache when nothing that it sees has changed.' : ''}`,
      '',
      ...argumentTable(rows),
    ]),
  ].join('\n')
}
