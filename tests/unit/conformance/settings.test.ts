import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSettings } from '../../conformance/settings.ts'

const ENV = { KUBECONFIG: '/somewhere/kubeconfig' }

describe('settings', () => {
  it('have defaults for everything but the kubeconfig', () => {
    expect(readSettings(ENV, '/checkout')).toEqual({
      kubeconfig: '/somewhere/kubeconfig',
      namespace: 'todo-chat-dev',
      environment: 'dev',
      ingressUrl: undefined,
      images: undefined,
      deploy: true,
      only: [],
      reportDir: '/checkout/report/conformance',
      clusterLabel: 'cluster of the kubeconfig',
      root: '/checkout',
    })
  })

  it('read references of images from a file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'conformance-')), 'images.json')
    writeFileSync(file, JSON.stringify({ backend: 'todo-chat/backend:1' }))
    expect(readSettings({ ...ENV, CONFORMANCE_IMAGES: file, CONFORMANCE_NAMESPACE: 'todo-chat-staging' }, '/checkout')).toMatchObject({ environment: 'staging', images: { file, references: { backend: 'todo-chat/backend:1' } } })
  })

  it.each([
    ['no kubeconfig', {}, 'KUBECONFIG is not set'],
    ['a namespace of no environment', { ...ENV, CONFORMANCE_NAMESPACE: 'default' }, 'CONFORMANCE_NAMESPACE default belongs to no environment'],
    ['an address that is none', { ...ENV, CONFORMANCE_INGRESS_URL: 'localhost' }, 'CONFORMANCE_INGRESS_URL localhost is not an http or https address'],
    ['a file of images that is not there', { ...ENV, CONFORMANCE_IMAGES: '/none/images.json' }, 'CONFORMANCE_IMAGES /none/images.json: no such file'],
    ['a seed that is no number', { ...ENV, CONFORMANCE_SEED: 'random' }, 'CONFORMANCE_SEED is random, expected a whole number'],
    ['a flag that is neither', { ...ENV, CONFORMANCE_DEPLOY: 'no' }, 'CONFORMANCE_DEPLOY is no, expected true or false'],
  ])('refuse %s', (_, env, message) => {
    expect(() => readSettings(env, '/checkout')).toThrow(message)
  })
})
