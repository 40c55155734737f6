/** The page of the conformance suite's requirements. Pure. */
import { code, heading, table } from './markdown.ts'
import type { Served } from './served.ts'

/** The page. */
export function conformancePage({ requirements }: Pick<Served, 'requirements'>): string {
  return [
    ...heading('What a deployed application must keep', '[tests/conformance/areas](../../../tests/conformance/areas/index.ts)'),
    `${requirements.length} requirements, each asked of a running cluster. How to run them is in [tests/conformance](../../../tests/conformance/README.md).`,
    '',
    ...table(['id', 'ring', 'title', 'requirement', 'needs'], requirements.map(({ id, ring, title, must, needs }) => [code(id), ring, title, must, needs.join(', ')])),
    '## What goes wrong otherwise',
    '',
    ...table(['id', 'when it is not kept'], requirements.map(({ id, why }) => [code(id), why])),
  ].join('\n')
}
