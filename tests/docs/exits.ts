/** The deployer's exit codes: what each command, result and error ends with. */
import ts from 'typescript'
import { Undocumented } from './finding.ts'
import { CLI_SOURCE, functionOf, sourceOf } from './types.ts'

/**
 * The exit codes that a command's own function can return; errors come on top.
 * @param name of the function in cli.ts that `action` is given
 * @throws Undocumented when the compiler knows no more than "a number"
 */
export function returned(program: ts.Program, name: string): number[] {
  const checker = program.getTypeChecker()
  const source = sourceOf(program, CLI_SOURCE)
  const codes = new Set<number>()
  const visited = new Set<string>()

  const fromFunction = (called: string): void => {
    if (visited.has(called)) return
    visited.add(called)
    const { body } = functionOf(program, CLI_SOURCE, called)
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node)) return
      if (ts.isReturnStatement(node) && node.expression) fromExpression(node.expression)
      ts.forEachChild(node, visit)
    }
    if (body) visit(body)
  }

  const fromExpression = (expression: ts.Expression): void => {
    const type = checker.getTypeAtLocation(expression)
    const members = type.isUnion() ? type.types : [type]
    if (members.every((member) => member.isNumberLiteral())) for (const member of members) codes.add((member as ts.NumberLiteralType).value)
    // `finish(…)` is itself a promise of a number: what it returns says more.
    else if (ts.isCallExpression(expression) && ts.isIdentifier(expression.expression)) fromFunction(expression.expression.text)
    else throw new Undocumented({ page: CLI_SOURCE, line: source.getLineAndCharacterOfPosition(expression.getStart(source)).line + 1, message: `${name} returns a number that its type does not name` })
  }

  fromFunction(name)
  return [...codes].sort((a, b) => a - b)
}

/** By the name of each command: the function in cli.ts that answers it. Commands without one ask no cluster and end with 0. */
export function actionsOf(program: ts.Program): Map<string, string> {
  const source = sourceOf(program, CLI_SOURCE)
  const actions = new Map<string, string>()
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === 'action') {
      const [given] = node.arguments
      const command = /\.command\('([^']+)'\)/.exec(node.expression.expression.getText(source))?.[1]
      if (command !== undefined && given !== undefined && ts.isCallExpression(given) && given.arguments[0] !== undefined) actions.set(command, given.arguments[0].getText(source))
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return actions
}
