import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { parseHelmOutput, render, withOrigin } from '../../../../deploy/src/release/render.ts'

const configMap = (annotations?: Record<string, string>): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...(annotations && { annotations }) } })

describe('withOrigin', () => {
  it.each([
    ['a file', 'path: ../checkout/manifests/base/backend/deployment.yaml\n', 'manifests/base/backend/deployment.yaml'],
    ['a generator', 'configuredIn: ../checkout/manifests/base/kustomization.yaml\nconfiguredBy:\n  kind: ConfigMapGenerator\n', 'manifests/base/kustomization.yaml'],
  ])('turns the origin of %s into a path of the checkout, and takes it off the object', (_, origin, source) => {
    const object = configMap({ 'config.kubernetes.io/origin': origin })
    expect(withOrigin({ object, source: 'kustomize#1' }, '/home/ada/wrapper', '/home/ada/checkout')).toEqual({ object: configMap(), source })
  })

  it('keeps other annotations, and the source that it has where kustomize names none', () => {
    const object = configMap({ other: 'kept' })
    expect(withOrigin({ object, source: 'kustomize#1' }, '/home/ada/wrapper', '/home/ada/checkout')).toEqual({ object, source: 'kustomize#1' })
  })
})

describe('parseHelmOutput', () => {
  it('gives each object the template it comes from', () => {
    const output = [
      '---\n# Source: todo-chat/templates/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: a\n',
      '---\n# Source: todo-chat/templates/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: b\n',
      '---\n# Source: todo-chat/templates/config-map.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  text: |\n    ---\n    # not a header\n',
    ].join('')
    expect(parseHelmOutput(output).map(({ object, source }) => [object.metadata.name, source])).toEqual([
      ['a', 'manifests/helm/todo-chat/templates/service.yaml'],
      ['b', 'manifests/helm/todo-chat/templates/service.yaml'],
      ['c', 'manifests/helm/todo-chat/templates/config-map.yaml'],
    ])
  })

  it('is empty for a chart that renders nothing', () => {
    expect(parseHelmOutput('')).toEqual([])
  })
})

describe('render', () => {
  it('names a folder that does not exist', async () => {
    await expect(render({ manifests: '/nowhere/manifests', environment: 'development' })).rejects.toMatchObject({ name: 'BadInput', message: '/nowhere/manifests: no such folder' })
  })

  it('names the tool that is not installed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'todo-chat-test-'))
    const path = process.env['PATH']
    process.env['PATH'] = folder
    try {
      await expect(render({ manifests: folder, environment: 'staging' })).rejects.toMatchObject({ name: 'DeployError', message: 'kustomize is not on the PATH' })
      await expect(render({ manifests: folder, environment: 'staging', renderer: 'helm' })).rejects.toMatchObject({ name: 'DeployError', message: 'helm is not on the PATH' })
    } finally {
      process.env['PATH'] = path
      await rm(folder, { recursive: true, force: true })
    }
  })
})
