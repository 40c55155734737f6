/** Every policy over every environment, by both renderers. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { RENDERINGS, objectsOf } from './_rendered.ts'
import { POLICIES } from './policies/index.ts'

describe.each(RENDERINGS)('$title', ({ environment, renderer, expectation }) => {
  let objects: KubeObject[]
  beforeAll(async () => {
    objects = await objectsOf(environment, renderer)
  })

  it.each(POLICIES)('$id: $must', ({ check }) => {
    const { checked, violations } = check(objects, expectation)
    expect(violations).toEqual([])
    expect(checked, 'a policy that looked at nothing has not passed').toBeGreaterThan(0)
  })
})
