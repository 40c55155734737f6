/** A type as a JSON schema (draft 2020-12), with its comments as descriptions. Knows the shapes that reports are made of and refuses others. */
import ts from 'typescript'
import { Undocumented } from './finding.ts'
import { sourceOf } from './types.ts'

type Schema = Record<string, unknown>

/** @throws Undocumented for a type that JSON cannot carry */
export function schemaOf(program: ts.Program, path: string, name: string): Schema {
  const checker = program.getTypeChecker()
  const source = sourceOf(program, path)
  const root = source.statements.filter(ts.isInterfaceDeclaration).find((statement) => statement.name.text === name)
  if (root === undefined) throw new Undocumented({ page: path, line: 1, message: `there is no interface ${name}` })
  const definitions: Record<string, Schema> = {}

  const comment = (symbol: ts.Symbol | undefined): Schema => {
    const text = ts.displayPartsToString(symbol?.getDocumentationComment(checker)).replaceAll(/\s*\n\s*/g, ' ').trim()
    return text === '' ? {} : { description: text }
  }

  const object = (type: ts.Type): Schema => {
    const properties = checker.getPropertiesOfType(type)
    const index = checker.getIndexTypeOfType(type, ts.IndexKind.String)
    const isOptional = (property: ts.Symbol): boolean => (property.flags & ts.SymbolFlags.Optional) !== 0
    return {
      type: 'object',
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties.map((property) => [property.name, { ...comment(property), ...ofType(checker.getTypeOfSymbol(property), property) }])) }),
      ...(properties.some((property) => !isOptional(property)) ? { required: properties.filter((property) => !isOptional(property)).map((property) => property.name) } : {}),
      additionalProperties: index === undefined ? false : ofType(index),
    }
  }

  const ofType = (type: ts.Type, at?: ts.Symbol): Schema => {
    if (type.isUnion() && (type.flags & ts.TypeFlags.Boolean) === 0) {
      const members = type.types.filter((member) => (member.flags & ts.TypeFlags.Undefined) === 0)
      if (members.length === 1 && members[0] !== undefined) return ofType(members[0], at)
      // The compiler's order of members depends on what it looked at before.
      if (members.every((member) => member.isStringLiteral())) return { enum: members.map((member) => (member as ts.StringLiteralType).value).sort() }
      if (members.every((member) => (member.flags & ts.TypeFlags.BooleanLiteral) !== 0)) return { type: 'boolean' }
      return { anyOf: members.map((member) => ofType(member, at)) }
    }
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value }
    if ((type.flags & ts.TypeFlags.BooleanLiteral) !== 0) return { const: checker.typeToString(type) === 'true' }
    if ((type.flags & ts.TypeFlags.String) !== 0) return { type: 'string' }
    if ((type.flags & ts.TypeFlags.Number) !== 0) return { type: 'number' }
    if ((type.flags & ts.TypeFlags.Boolean) !== 0) return { type: 'boolean' }
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(type as ts.TypeReference)
      if (item !== undefined) return { type: 'array', items: ofType(item, at) }
    }
    if ((type.flags & ts.TypeFlags.Object) !== 0 && type.getCallSignatures().length === 0) {
      if ((type.symbol.flags & ts.SymbolFlags.Interface) === 0) return object(type)
      const title = type.symbol.name
      if (definitions[title] === undefined) {
        // Before its content: a type may hold itself.
        definitions[title] = {}
        definitions[title] = { ...comment(type.symbol), ...object(type) }
      }
      return { $ref: `#/$defs/${title}` }
    }
    const declaration = at?.valueDeclaration
    const file = declaration?.getSourceFile()
    throw new Undocumented({
      page: file === undefined ? path : file.fileName.slice(file.fileName.indexOf('deploy/src/')),
      line: file === undefined || declaration === undefined ? 1 : file.getLineAndCharacterOfPosition(declaration.getStart(file)).line + 1,
      message: `${checker.typeToString(type)} is nothing that JSON carries`,
    })
  }

  const type = checker.getTypeAtLocation(root)
  const schema = object(type)
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: name, ...comment(type.symbol), ...schema, $defs: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => a.localeCompare(b))) }
}
