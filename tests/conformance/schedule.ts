/** Which requirements may run beside each other, and in which order. Pure. */
import { BadInput } from '../../deploy/src/errors.ts'
import type { Requirement, RequirementId } from './requirement.ts'

export interface Block {
  name: string
  concurrent: boolean
  requirements: readonly Requirement[]
}

/**
 * Fresh pods are measured first; then idempotence, before anything is disturbed; then load, whose end is watched while others ask. This
 * order saves time: no requirement depends on it, which `shuffled` proves.
 */
const FIRST: readonly RequirementId[] = ['CONF-201', 'CONF-302', 'CONF-281']
/** Looks back at the whole run. */
const LAST: readonly RequirementId[] = ['CONF-312']

/**
 * @param only ids; none: all requirements
 * @returns the requirements to ask @throws BadInput for an id that none has
 */
export function chosen(requirements: readonly Requirement[], only: readonly string[]): readonly Requirement[] {
  const unknown = only.filter((id) => !requirements.some((requirement) => requirement.id === id))
  if (unknown.length > 0) throw new BadInput(`no requirement has the id ${unknown.join(', ')}`, { next: `choose among ${requirements.map(({ id }) => id).join(', ')}` })
  return only.length === 0 ? requirements : requirements.filter(({ id }) => only.includes(id))
}

/**
 * Puts requirements into blocks that run one after the other. Those of lane `alone` never run beside another one.
 * @returns every given requirement exactly once; empty blocks are left out
 */
export function schedule(requirements: readonly Requirement[]): Block[] {
  const pick = (ids: readonly RequirementId[]): Requirement[] => ids.flatMap((id) => requirements.filter((requirement) => requirement.id === id))
  const rest = requirements.filter(({ id }) => !FIRST.includes(id) && !LAST.includes(id))
  const blocks: Block[] = [
    { name: 'first', concurrent: false, requirements: pick(FIRST) },
    // The longest first, so that the short ones fill up the time it waits.
    { name: 'side by side', concurrent: true, requirements: rest.filter(({ lane }) => lane === 'shared').sort((a, b) => b.timeoutMs - a.timeoutMs) },
    { name: 'one at a time', concurrent: false, requirements: rest.filter(({ lane }) => lane === 'alone') },
    { name: 'last', concurrent: false, requirements: pick(LAST) },
  ]
  return blocks.filter(({ requirements }) => requirements.length > 0)
}

/**
 * The same blocks in another order, which depends on nothing but the seed. Requirements of lane `alone` still run alone, before or
 * after those that run side by side, and what looks back at the whole run stays the last.
 */
export function shuffled(requirements: readonly Requirement[], seed: number): Block[] {
  const random = generator(seed)
  const shuffle = <Item>(items: readonly Item[]): Item[] => items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at).map(({ item }) => item)
  const last = requirements.filter(({ id }) => LAST.includes(id))
  const rest = shuffle(requirements.filter((requirement) => !last.includes(requirement)))
  const alone = rest.filter(({ lane }) => lane === 'alone')
  const cut = Math.floor(random() * (alone.length + 1))
  const blocks: Block[] = [
    { name: 'one at a time, before', concurrent: false, requirements: alone.slice(0, cut) },
    { name: 'side by side', concurrent: true, requirements: rest.filter(({ lane }) => lane === 'shared') },
    { name: 'one at a time, after', concurrent: false, requirements: alone.slice(cut) },
    { name: 'last', concurrent: false, requirements: last },
  ]
  return blocks.filter(({ requirements }) => requirements.length > 0)
}

/** Numbers from 0 to 1 that a seed decides (a linear congruential generator with the constants of Numerical Recipes). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
