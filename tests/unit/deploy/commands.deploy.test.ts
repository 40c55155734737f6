import { describe, expect, it } from 'vitest'
import { Scene, release } from './_release.ts'

describe('deploy', () => {
  it('puts a first release in place, wave by wave', async () => {
    const scene = new Scene()
    const report = await scene.deploy(release())
    expect(report.failure).toBeUndefined()
    expect(report.result).toBe('succeeded')
    expect(report.revision).toBe(1)
    const order = scene.cluster.writes.filter((write) => write.startsWith('apply'))
    expect(order).toEqual([
      'apply Namespace todo-chat-dev',
      'apply ConfigMap environment',
      'apply Secret todo-chat-jwt',
      'apply StatefulSet postgres',
      'apply CronJob backup',
      'apply Job migrate',
      'apply Deployment mcp',
      'apply Deployment agent',
      'apply Deployment backend',
      'apply Deployment frontend',
      'apply Ingress todo-chat',
    ])
  })
})
