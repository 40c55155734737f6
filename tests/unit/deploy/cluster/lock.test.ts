import { describe, expect, it } from 'vitest'
import { LockHeld } from '../../../../deploy/src/errors.ts'
import { Lock } from '../../../../deploy/src/cluster/lock.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

const LEASE = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: NAMESPACE, name: 'todo-chat-deploy' }

function take(scene: Scene, holder: string, waitMs = 0): Promise<Lock> {
  return Lock.acquire(scene.cluster, scene.clock, NAMESPACE, { holder, waitMs })
}

describe('a Lease that was deleted by hand', () => {
  it('between two runs does not begin the fences again: the next one deploys', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ frontend: '2' }))
    await scene.cluster.remove(LEASE)
    expect(await scene.deploy(release({ frontend: '3' }))).toMatchObject({ result: 'succeeded' })
  })

  it('and made again with a lower count does not either', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ frontend: '2' }))
    scene.cluster.patch(LEASE, (lease) => void (lease['spec'] = { holderIdentity: '', leaseTransitions: 0 }))
    expect(await scene.deploy(release({ frontend: '3' }))).toMatchObject({ result: 'succeeded' })
  })

  it('under its holder is made again by it, with its own fence, and keeps others out', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await using lock = await take(scene, 'first')
    await scene.cluster.remove(LEASE)
    await lock.assertHeld()
    expect((await scene.cluster.get(LEASE))?.['spec']).toMatchObject({ holderIdentity: 'first', leaseTransitions: lock.fence })
    await expect(take(scene, 'second')).rejects.toThrow(LockHeld)
  })

  it('and taken by another is lost', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await using first = await take(scene, 'first')
    await scene.cluster.remove(LEASE)
    await using second = await take(scene, 'second')
    expect(second.fence).toBeGreaterThan(0)
    await expect(first.assertHeld()).rejects.toThrow(/taken over by second/)
    expect(first.lost.aborted).toBe(true)
  })

  it('in the middle of a run, and taken by another, ends the run with a report and without another write', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    const running = scene.deploy(release({ mcp: '2', backend: '2', migrate: '1', frontend: '2' }))
    await scene.cluster.written('apply Deployment mcp')
    await scene.cluster.remove(LEASE)
    await using _other = await take(scene, 'second')
    const writes = scene.cluster.writes.length
    expect(await running).toMatchObject({ result: 'interrupted', failure: { message: expect.stringMatching(/the lock was taken over by second/) } })
    expect(scene.cluster.writes.slice(writes).filter((write) => write.startsWith('apply'))).toEqual([])
  })
})

describe('a write under the lock', () => {
  it('that is not answered while the lease lasts is sent again only after the lock was proven again', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await using lock = await take(scene, 'first')
    const sent: number[] = []
    const started = scene.clock.now()
    const answer = await lock.write(scene.cluster, async (cluster) => {
      sent.push(scene.clock.now() - started)
      if (sent.length > 1) return 'written'
      // As in a partition: repeated until somebody ends it.
      for (let tries = 0; tries < 60; tries += 1) {
        await scene.clock.sleep(500)
        await cluster.get(LEASE)
      }
      return 'nobody ended it'
    })
    expect(answer).toBe('written')
    expect(sent).toHaveLength(2)
    expect(sent[1]).toBeLessThan(15_000)
  })

  it('does not land when another deployer has taken over meanwhile', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    await using lock = await take(scene, 'first')
    let tries = 0
    const writing = lock.write(scene.cluster, async (cluster) => {
      tries += 1
      for (let tries = 0; tries < 60; tries += 1) {
        await scene.clock.sleep(500)
        await cluster.get(LEASE)
      }
      return 'nobody ended it'
    })
    const lost = expect(writing).rejects.toThrow(/taken over by second/)
    await scene.clock.sleep(1_000)
    await scene.cluster.remove(LEASE)
    await using _second = await take(scene, 'second')
    await lost
    expect(tries).toBe(1)
  })
})
