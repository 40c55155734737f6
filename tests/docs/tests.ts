/** Which tests there are, read from their sources: a proof that is named must exist. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { Undocumented } from './finding.ts'

/** Between the parts of a proof: file, then titles from the outside in. */
export const SEPARATOR = ' > '

export interface ExistingTests {
  requirements: ReadonlySet<string>
  policies: ReadonlySet<string>
  /** By file: the titles of each test and each group, from the outside in. */
  titles: ReadonlyMap<string, readonly (readonly string[])[]>
}

const BLOCKS = new Set(['describe', 'it', 'test'])

/** `it('…')`, `it.each(…)('…')`, `describe.each(…)('…')`: the title as the source has it. */
function titleOf(call: ts.CallExpression): string | undefined {
  let callee: ts.Expression = call.expression
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) callee = callee.expression
  const [first] = call.arguments
  return ts.isIdentifier(callee) && BLOCKS.has(callee.text) && first !== undefined && ts.isStringLiteralLike(first) ? first.text : undefined
}

/** The titles of a Vitest or Jest file. */
export function titlesOfTypeScript(text: string): string[][] {
  const found: string[][] = []
  const visit = (node: ts.Node, outer: readonly string[]): void => {
    const title = ts.isCallExpression(node) ? titleOf(node) : undefined
    const path = title === undefined ? outer : [...outer, title]
    if (title !== undefined) found.push([...path])
    ts.forEachChild(node, (child) => visit(child, path))
  }
  visit(ts.createSourceFile('test.ts', text, ts.ScriptTarget.Latest), [])
  return found
}

/** The names of a pytest file's functions. */
export function titlesOfPython(text: string): string[][] {
  return [...text.matchAll(/^(?:async )?def (test_\w+)/gm)].map(([, name = '']) => [name])
}

const isTest = (file: string): boolean => /\.test\.ts$/.test(file) || /(^|\/)test_\w+\.py$/.test(file)

/** @param files every file of the repository */
export async function testsOf(root: string, files: readonly string[]): Promise<ExistingTests> {
  const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8')
  const ids = async (folder: string, pattern: RegExp): Promise<Set<string>> => {
    const texts = await Promise.all(files.filter((file) => file.startsWith(folder)).map(read))
    return new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, id = '']) => id)))
  }
  const titles = files.filter(isTest).map(async (file) => [file, (file.endsWith('.py') ? titlesOfPython : titlesOfTypeScript)(await read(file))] as const)
  return {
    requirements: await ids('tests/conformance/areas/', /'(CONF-\d{3})'/g),
    policies: await ids('tests/validate/policies/', /\bid: '([a-z]+\/[a-z-]+)'/g),
    titles: new Map(await Promise.all(titles)),
  }
}

/** What a task names as its proof. */
export type Proof = { kind: 'requirement'; id: string } | { kind: 'policy'; id: string } | { kind: 'test'; file: string; titles: string[] }

/** @param text `CONF-201`, `secrets/as-files`, or a file and titles with {@link SEPARATOR} between them */
export function proofOf(text: string): Proof {
  if (/^CONF-\d{3}$/.test(text)) return { kind: 'requirement', id: text }
  if (/^[a-z]+\/[a-z-]+$/.test(text)) return { kind: 'policy', id: text }
  const [file = '', ...titles] = text.split(SEPARATOR)
  if (!isTest(file)) throw new Undocumented({ page: 'tests/docs/plan-tasks.ts', line: 1, message: `${text} is neither a requirement nor a policy nor a test` })
  return { kind: 'test', file, titles }
}

/** Whether there is such a test. */
export function exists(proof: Proof, tests: ExistingTests): boolean {
  if (proof.kind === 'requirement') return tests.requirements.has(proof.id)
  if (proof.kind === 'policy') return tests.policies.has(proof.id)
  return (tests.titles.get(proof.file) ?? []).some((path) => proof.titles.every((title, index) => path[index] === title))
}
