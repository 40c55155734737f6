import { describe, expect, it } from 'vitest'
import { parseObjects } from '../../../../deploy/src/release/objects.ts'

const GOOD = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n'

describe('parseObjects', () => {
  it.each([
    ['text that is no YAML', `${GOOD}---\nkind: [`, /^release.yaml, document 2: /],
    ['a list', '- a\n', /^release.yaml, document 1: expected a Kubernetes object, found a list/],
    ['a text', 'hello\n', /^release.yaml, document 1: expected a Kubernetes object, found string/],
    ['no apiVersion', `${GOOD}---\nkind: ConfigMap\nmetadata: {name: a}\n`, /^release.yaml, document 2: field apiVersion is missing/],
    ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', /^release.yaml, document 1: field kind is missing/],
    ['no name', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n', /^release.yaml, document 1: field metadata.name is missing \(ConfigMap\)/],
    ['a List without items', 'apiVersion: v1\nkind: List\n', /^release.yaml, document 1: field items of a List must be a list/],
    ['a key that is there twice', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: 1\n  x: 2\n', /^release.yaml, document 1: Map keys must be unique at line 6/],
    ['a nameless item of a List', 'apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap}]\n', /^release.yaml, document 1, item 1: field metadata.name is missing/],
  ])('refuses %s, naming file, document and field', (_name, text, message) => {
    expect(() => parseObjects(text, 'release.yaml')).toThrow(expect.objectContaining({ name: 'BadInput', message: expect.stringMatching(message) }) as Error)
  })

  it('unfolds Lists, skips empty documents, and keeps where each object stood', () => {
    const list = 'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n'
    expect(parseObjects(`${GOOD}---\n---\n${list}`, 'release.yaml').map(({ object, source }) => [object.metadata.name, source])).toEqual([['a', 'release.yaml#1'], ['b', 'release.yaml#3']])
  })

  it('of an empty text are none', () => {
    expect(parseObjects('', 'release.yaml')).toEqual([])
  })
})
