/** One deployer at a time per release: a Lease that expires, so that a killed one wedges nothing. */
import { type Clock, poll } from '../_poll.ts'
import { formatDuration } from '../_duration.ts'
import type { Cluster } from './client.ts'
import { ClusterError, DeployError, LockHeld, LockLost } from '../errors.ts'
import { readHistory } from './history.ts'
import { LEASE, STATE_LABELS } from '../release/identity.ts'
import { readInventory } from './inventory.ts'
import type { KubeObject, ObjectRef } from '../release/objects.ts'

/** A holder that has not renewed for so long is dead. */
const DURATION = 15_000
const RENEW_EVERY = 4_000
const RETRY_EVERY = 1_000
/** A write may be on its way so long after the lock was proven: what is left of the lease is for clocks that run apart. */
const PROVEN_FOR = 12_000

interface LeaseSpec {
  holderIdentity?: string
  leaseDurationSeconds?: number
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
}

export interface LockOptions {
  /** Who is told to others that wait: `user@host, deploy, pid 7`. */
  holder: string
  /** How long to wait for another holder, in ms. A dead holder is outlived after 15 s. @default 30_000 */
  waitMs?: number
  signal?: AbortSignal
  /** Called once when somebody else holds the lock. */
  onWait?: (holder: string) => void
}

function specOf(lease: KubeObject): LeaseSpec {
  return (lease['spec'] ?? {}) as LeaseSpec
}

/**
 * Who holds the lock of the namespace by their own account, or `undefined` when nobody does.
 * The answer may name a killed holder for another 15 s.
 */
export async function lockHolder(cluster: Cluster, namespace: string, now: number): Promise<string | undefined> {
  const lease = await cluster.get(leaseRef(namespace))
  if (lease === undefined) return undefined
  const { holderIdentity, renewTime } = specOf(lease)
  return holderIdentity && now - Date.parse(renewTime ?? '') < DURATION ? holderIdentity : undefined
}

function leaseRef(namespace: string): ObjectRef {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: LEASE }
}

/** A held lock. `await using` gives it back. */
export class Lock implements AsyncDisposable {
  /** Grows with each holder; written beside everything that only the newest holder may write. */
  readonly fence: number
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #stop = new AbortController()
  readonly #lost = new AbortController()
  readonly #renewing: Promise<void>
  #lease: KubeObject

  private constructor(cluster: Cluster, clock: Clock, lease: KubeObject) {
    this.#cluster = cluster
    this.#clock = clock
    this.#lease = lease
    this.fence = specOf(lease).leaseTransitions ?? 0
    this.#renewing = this.#keepRenewing()
  }

  /**
   * Takes the lock, waiting for another holder as long as told. A holder is dead when its lease was not renewed for 15 s of *our*
   * clock, so that clocks need not agree.
   * @throws LockHeld when another holder outlives the wait: names it
   */
  static async acquire(cluster: Cluster, clock: Clock, namespace: string, options: LockOptions): Promise<Lock> {
    const { holder, waitMs = 30_000, signal } = options
    let seenVersion: string | undefined
    let seenAt = clock.now()
    let told = false
    let other = ''
    // A slow first answer must not use the wait up.
    await cluster.get(leaseRef(namespace))
    // A Lease that was deleted, or made again by hand, counts from 0; what was written under older ones does not.
    const highest = await highestFence(cluster, namespace)
    const lease = await poll(clock, { intervalMs: RETRY_EVERY, timeoutMs: waitMs, signal }, async () => {
      const found = await cluster.get(leaseRef(namespace))
      if (found === undefined) return await attempt(() => cluster.create(newLease(namespace, holder, clock.now(), highest + 1)))
      const spec = specOf(found)
      if (spec.holderIdentity) {
        if (seenVersion !== found.metadata.resourceVersion) {
          seenVersion = found.metadata.resourceVersion
          seenAt = clock.now()
        }
        other = spec.holderIdentity
        if (clock.now() - seenAt < (spec.leaseDurationSeconds ?? DURATION / 1000) * 1000) {
          if (!told) options.onWait?.(other)
          told = true
          return undefined
        }
      }
      return await attempt(() => cluster.replace(takenOver(found, holder, clock.now(), highest)))
    })
    if (lease === undefined) {
      throw new LockHeld(`another deployment is under way: ${other} holds the lock`, {
        object: leaseRef(namespace),
        next: `wait for it and run this again (waited ${formatDuration(waitMs)}; --lock-wait sets how long)`,
      })
    }
    return new Lock(cluster, clock, lease)
  }

  /** Aborts when another deployer has taken the lock over. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /**
   * Proves that the lock is still held, by renewing it. Called before each wave of writes.
   * @throws LockLost
   */
  async assertHeld(): Promise<void> {
    this.#lost.signal.throwIfAborted()
    await this.#renew()
  }

  /**
   * Writes under the lock: proven right before, and again before a repetition that would outlive the lease. A write that the API server
   * has not answered when the lease may have ended is given up, and sent again only when the lock is still ours.
   * What this leaves open: a process that is stopped between the proof and the sending, or a request that the network holds back.
   * @throws LockLost, and whatever `step` throws
   */
  async write<Value>(cluster: Cluster, step: (cluster: Cluster) => Promise<Value>): Promise<Value> {
    for (;;) {
      const provenAt = this.#clock.now()
      await this.assertHeld()
      const expired = new AbortController()
      const over = new AbortController()
      const expiring = this.#clock.sleep(Math.max(0, provenAt + PROVEN_FOR - this.#clock.now()), over.signal).then(
        () => expired.abort(new DeployError('the lease ended before the write was answered')),
        () => undefined,
      )
      try {
        return await step(cluster.until(expired.signal))
      } catch (error) {
        if (error !== expired.signal.reason || !expired.signal.aborted) throw error
      } finally {
        over.abort()
        await expiring
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#renewing
    if (this.#lost.signal.aborted) return
    const released = structuredClone(this.#lease)
    released['spec'] = { ...specOf(released), holderIdentity: '', renewTime: microTime(this.#clock.now()) }
    // Whoever comes next waits at most for the expiry.
    await this.#cluster.replace(released).catch(ignoreClusterError)
  }

  async #keepRenewing(): Promise<void> {
    const signal = this.#stop.signal
    for (;;) {
      try {
        await this.#clock.sleep(RENEW_EVERY, signal)
        await this.#renew()
      } catch (error) {
        if (signal.aborted || this.#lost.signal.aborted) return
        // An unreachable API server keeps others out too; the next write proves the lock again.
        if (!(error instanceof ClusterError)) this.#lost.abort(error)
      }
    }
  }

  async #renew(): Promise<void> {
    const renewed = structuredClone(this.#lease)
    renewed['spec'] = { ...specOf(renewed), renewTime: microTime(this.#clock.now()) }
    try {
      this.#lease = await this.#cluster.replace(renewed)
    } catch (error) {
      if (!(error instanceof ClusterError) || (error.code !== 'conflict' && error.code !== 'not-found')) throw error
      await this.#resolve()
    }
  }

  async #makeAgain(): Promise<boolean> {
    const { apiVersion, kind, metadata } = this.#lease
    const made = await attempt(() => this.#cluster.create({ apiVersion, kind, metadata: { name: LEASE, namespace: metadata.namespace ?? '', labels: { ...STATE_LABELS } }, spec: { ...specOf(this.#lease), renewTime: microTime(this.#clock.now()) } }))
    if (made !== undefined) this.#lease = made
    return made !== undefined
  }

  /** The lease changed under us: our own renewal whose answer was lost, a take-over, or a deletion by hand. */
  async #resolve(): Promise<void> {
    const found = await this.#cluster.get({ apiVersion: this.#lease.apiVersion, kind: this.#lease.kind, namespace: this.#lease.metadata.namespace ?? '', name: LEASE })
    const ours = specOf(this.#lease)
    if (found !== undefined && specOf(found).holderIdentity === ours.holderIdentity && specOf(found).leaseTransitions === ours.leaseTransitions) {
      this.#lease = found
      return
    }
    // Nobody has taken it: a new one with our own fence. Whoever comes at the same moment makes it instead, and is found by the next try.
    if (found === undefined && (await this.#makeAgain())) return
    const error = new LockLost(`the lock was taken over by ${found === undefined ? 'another deployer' : specOf(found).holderIdentity || 'another deployer, which has ended'}`, {
      next: 'that run decides now; see it with `history`',
    })
    this.#lost.abort(error)
    throw error
  }
}

/** The highest fencing token under which anything was written. */
async function highestFence(cluster: Cluster, namespace: string): Promise<number> {
  const [inventory, history] = await Promise.all([readInventory(cluster, namespace), readHistory(cluster, namespace)])
  return Math.max(inventory.fence, 0, ...history.map(({ fence }) => fence))
}

/** `undefined` when somebody else was faster. */
async function attempt(write: () => Promise<KubeObject>): Promise<KubeObject | undefined> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof ClusterError && (error.code === 'conflict' || error.code === 'exists')) return undefined
    throw error
  }
}

function ignoreClusterError(error: unknown): void {
  if (!(error instanceof DeployError)) throw error
}

function newLease(namespace: string, holder: string, now: number, fence: number): KubeObject {
  const { apiVersion, kind } = leaseRef(namespace)
  return { apiVersion, kind, metadata: { name: LEASE, namespace, labels: { ...STATE_LABELS } }, spec: heldSpec(holder, now, fence) }
}

function takenOver(lease: KubeObject, holder: string, now: number, highest: number): KubeObject {
  return { ...lease, spec: heldSpec(holder, now, Math.max(specOf(lease).leaseTransitions ?? 0, highest) + 1) }
}

function heldSpec(holder: string, now: number, leaseTransitions: number): LeaseSpec {
  return { holderIdentity: holder, leaseDurationSeconds: DURATION / 1000, acquireTime: microTime(now), renewTime: microTime(now), leaseTransitions }
}

/** The API's MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}
