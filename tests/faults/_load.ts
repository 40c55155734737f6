/** The deployer's own load, for what happens without the deployer. */
import { systemClock } from '../../deploy/src/_poll.ts'
import type { Availability } from '../../deploy/src/proof/availability.ts'
import { openEntrances } from '../../deploy/src/proof/entrances.ts'
import { startMeasurement } from '../../deploy/src/proof/measure.ts'
import { newProber, signingKey } from '../../deploy/src/proof/prober.ts'
import { todoChat } from '../../deploy/src/todo-chat.ts'
import { type Bench, NAMESPACE } from './_bench.ts'

/** Requests a second. */
export const RATE = 100

/**
 * Runs `work` under load through the ingress and the Services, from 2 s before to 2 s after it.
 * @throws when the application does not answer before it starts
 */
export async function underLoad<Value>(bench: Bench, work: () => Promise<Value>): Promise<{ value: Value; seconds: number; load: Availability }> {
  const cluster = await bench.cluster()
  const objects = await bench.release()
  const { proof } = todoChat
  const key = signingKey(proof.tokens, await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, NAMESPACE).then((secrets) => secrets.map((secret) => ({ ...secret, kind: 'Secret' }))))
  if (key === undefined) throw new Error('the application has no signing key')
  await using entrances = openEntrances(proof, cluster, NAMESPACE, objects, { url: new URL(bench.ingress) })
  await using measurement = await startMeasurement(systemClock, entrances, newProber(proof.tokens, key, Date.now()), RATE)
  await measurement.rolloutStarts()
  const started = performance.now()
  const value = await work()
  const seconds = (performance.now() - started) / 1000
  measurement.rolloutEnds()
  const load = await measurement.finish()
  if (typeof load === 'string') throw new Error(load)
  return { value, seconds, load }
}
