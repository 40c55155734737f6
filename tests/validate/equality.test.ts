/** kustomize and Helm render the same objects. */
import { describe, expect, it } from 'vitest'
import { type KubeObject, keyOf, refOf } from '../../deploy/src/release/objects.ts'
import { ENVIRONMENTS } from '../../deploy/src/release/render.ts'
import { missingSettings } from '../../deploy/src/release/settings.ts'
import { canonical, objectsOf } from './_rendered.ts'
import { SETTINGS_CASES } from './_settings.ts'

const byKey = (objects: readonly KubeObject[]): Map<string, string> => new Map(objects.map((object) => [keyOf(refOf(object)), canonical(object)]))

describe.each(ENVIRONMENTS)('%s', async (environment) => {
  const [kustomize, helm] = [byKey(await objectsOf(environment, 'kustomize')), byKey(await objectsOf(environment, 'helm'))]

  it('has the same objects from both', () => {
    expect([...helm.keys()].sort()).toEqual([...kustomize.keys()].sort())
  })

  it.each([...kustomize])('%s is equal', (key, fromKustomize) => {
    expect(helm.get(key)).toBe(fromKustomize)
  })
})

describe('with settings', () => {
  it.each(SETTINGS_CASES)('$title has the same objects from both', async ({ environment, settings }) => {
    const [kustomize, helm] = [byKey(await objectsOf(environment, 'kustomize', [], settings)), byKey(await objectsOf(environment, 'helm', [], settings))]
    expect(Object.fromEntries(helm)).toEqual(Object.fromEntries(kustomize))
  })

  it.each(SETTINGS_CASES.filter(({ title }) => /least|every/.test(title)))('$title has no placeholder left', async ({ environment, settings }) => {
    for (const renderer of ['kustomize', 'helm'] as const) expect(missingSettings(await objectsOf(environment, renderer, [], settings))).toEqual([])
  })
})

describe('without settings', () => {
  it.each([
    ['development', []],
    ['staging', ['host', 'oidc.clientId', 'oidc.issuer']],
    ['production', ['database.host', 'host', 'oidc.clientId', 'oidc.issuer']],
  ] as const)('%s carries a placeholder for each required setting', async (environment, names) => {
    for (const renderer of ['kustomize', 'helm'] as const) {
      expect(missingSettings(await objectsOf(environment, renderer)).map(({ name }) => name).sort()).toEqual(names)
    }
  })
})

describe('the comparison', () => {
  it('tells two objects apart that differ in one value', () => {
    const object = (value: string): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { key: value } })
    expect(canonical(object('1'))).not.toBe(canonical(object('2')))
  })

  it('does not mind the order of keys', () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: '1', b: '2' } }
    expect(canonical({ ...object, data: { b: '2', a: '1' } })).toBe(canonical(object))
  })
})
