import { describe, expect, it } from 'vitest'
import { ClusterError } from '../../../../deploy/src/errors.ts'
import { withinNamespace } from '../../../../deploy/src/cluster/namespaced.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

const OWN = { apiVersion: 'v1', kind: 'Namespace', name: NAMESPACE }

function forbidden(verb: string): ClusterError {
  return new ClusterError('forbidden', `${verb} Namespace ${NAMESPACE}: not allowed`, { verb, resource: 'namespaces' })
}

/** A cluster whose namespace exists, and a kubeconfig that may do nothing with it. */
function scene(...refused: ('get' | 'patch')[]): { scene: Scene; told: string[]; cluster: Scene['cluster'] } {
  const scene = new Scene()
  scene.cluster.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: { theirs: 'kept' } } })
  const get = scene.cluster.get.bind(scene.cluster)
  if (refused.includes('get')) {
    scene.cluster.get = async (ref) => {
      if (ref.kind === 'Namespace') throw forbidden('get')
      return get(ref)
    }
  }
  if (refused.includes('patch')) scene.cluster.refusals.set(`patch Namespace ${NAMESPACE}`, forbidden('patch'))
  const told: string[] = []
  return { scene, told, cluster: withinNamespace(scene.cluster, NAMESPACE, (text) => told.push(text)) as Scene['cluster'] }
}

describe('a kubeconfig for one namespace', () => {
  it.each([[['get', 'patch']], [['patch']]] as const)('that may not %s it deploys, and leaves it as it is', async (refused) => {
    const { scene: at, told, cluster } = scene(...refused)
    expect(await at.deployAs({ cluster }, release())).toMatchObject({ result: 'succeeded' })
    expect(at.cluster.writes).not.toContain(`apply Namespace ${NAMESPACE}`)
    expect(told).toContain(`namespace ${NAMESPACE} may not be changed with this kubeconfig: it stays as it is`)
    expect(new Set(told).size).toBe(told.length)
  })

  it('that may do both is served as before', async () => {
    const { told, cluster } = scene()
    expect(await cluster.get(OWN)).toMatchObject({ metadata: { labels: { theirs: 'kept' } } })
    expect(told).toEqual([])
  })

  it('does not hide other refusals', async () => {
    const { scene: at, cluster } = scene('get', 'patch')
    await expect(cluster.get({ ...OWN, name: 'other' })).rejects.toThrow(ClusterError)
    at.cluster.refusals.set('patch Deployment backend', forbidden('patch'))
    await expect(at.deployAs({ cluster }, release())).rejects.toThrow(/one object is in the way/)
  })

  it('has the rest of the cluster', async () => {
    const { scene: at, cluster } = scene()
    expect(cluster.server).toBe(at.cluster.server)
    expect(await cluster.version()).toBe('v0.0.0-fake')
  })
})
