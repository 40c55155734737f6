/** A deployer may die between any two writes of the history, and a record may be damaged: no command stops for it. */
import { describe, expect, it } from 'vitest'
import { history } from '../../../../deploy/src/commands/history.ts'
import { rollback } from '../../../../deploy/src/commands/rollback.ts'
import { status } from '../../../../deploy/src/commands/status.ts'
import { NAMESPACE, Scene, release } from '../_release.ts'

const RUN = { rate: 0, soakMs: 5_000, lockWaitMs: 30_000, timeoutMs: 600_000 }
const KEY = new Map([['jwt-key', Buffer.from('another signing key of 32 bytes..')]])

const INVENTORY = { apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: 'todo-chat-inventory' }

function record(revision: number) {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, name: `todo-chat-revision-${revision}` }
}

describe('a deployer that died', () => {
  it.each([
    'update ConfigMap todo-chat-inventory',
    'create Secret todo-chat-revision-2',
    'create ConfigMap todo-chat-revision-2',
    'update ConfigMap todo-chat-revision-2',
  ])('after its write "%s" leaves nothing in the way, though other secret values come next', async (write) => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.killDeployerAfter(write)
    const killed = await scene.deploy(release({ mcp: '2' }), { secretFiles: KEY }).then(({ result }) => result, () => 'interrupted')
    expect(killed).toBe('interrupted')
    scene.cluster.revive()
    const other = new Map([['jwt-key', Buffer.from('a third signing key, of 32 bytes.')]])
    expect(await scene.deploy(release({ mcp: '3' }), { secretFiles: other })).toMatchObject({ result: 'succeeded' })
    expect(await scene.deploy(release({ mcp: '4' }), { secretFiles: KEY })).toMatchObject({ result: 'succeeded' })
  })
})

describe('a damaged record', () => {
  const damaged = async (change: (object: Record<string, unknown>) => void): Promise<Scene> => {
    const scene = new Scene()
    await scene.deploy(release())
    await scene.deploy(release({ mcp: '2' }))
    scene.cluster.patch(record(2), (object) => change(object))
    return scene
  }
  const CASES: readonly [name: string, change: (object: Record<string, unknown>) => void][] = [
    ['whose line is no JSON', (object) => void (object['data'] = { 'record.json': '{' })],
    ['that is empty', (object) => void delete object['data']],
    ['whose objects are not whole', (object) => void (object['binaryData'] = { 'objects.json.gz': 'AAAA' })],
  ]
  it.each(CASES)('%s stops no command, and the newest good revision is found', async (_name, change) => {
    const scene = await damaged(change)
    expect((await history(scene.context())).map(({ revision }) => revision)).toContain(1)
    expect((await status(scene.context())).healthy).toBe(true)
    const report = await scene.deploy(release({ frontend: 'crash' }))
    expect(report).toMatchObject({ result: 'rolled-back', revision: 3, rollback: { to: 1 } })
    expect(await rollback(scene.context(), { ...RUN, to: 1 })).toMatchObject({ result: 'succeeded', revision: 4 })
  })

  it('is named when it is asked for', async () => {
    const scene = await damaged((object) => void (object['binaryData'] = {}))
    await expect(rollback(scene.context(), { ...RUN, to: 2 })).rejects.toThrow(/revision 2 cannot be read: ConfigMap todo-chat-revision-2 is damaged or gone/)
  })
})

describe('a damaged inventory', () => {
  it.each([
    ['no JSON', '{"format":1,"obj'],
    ['another form', '{"format":1,"fence":1,"objects":{}}'],
    ['nothing', ''],
    ['null', 'null'],
  ])('with %s is made again from the newest good revision; status and deploy say so', async (_what, text) => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.patch(INVENTORY, (object) => void (object['data'] = { 'inventory.json': text }))
    const seen = await status(scene.context())
    expect(seen).toMatchObject({ healthy: true, notes: [expect.stringMatching(/inventory was damaged; it was made again from revision 1/)] })
    expect(await scene.deploy(release({ backend: '2' }))).toMatchObject({ result: 'succeeded', notes: expect.arrayContaining([expect.stringMatching(/inventory was damaged/)]) })
    expect((await status(scene.context())).notes).toBeUndefined()
  })

  it('of a newer deployer is not touched', async () => {
    const scene = new Scene()
    await scene.deploy(release())
    scene.cluster.patch(INVENTORY, (object) => void (object['data'] = { 'inventory.json': '{"format":2,"things":[]}' }))
    await expect(scene.deploy(release({ backend: '2' }))).rejects.toThrow(/has format 2, this deployer knows 1/)
  })
})
