/** Which requirements may run beside each other, and in which order. Pure. */
import { BadInput } from '../../deploy/src/errors.ts'
import type { Requirement, RequirementId } from './requirement.ts'

export interface Block {
  name: string
  concurrent: boolean
  requirements: readonly Requirement[]
}

/** Fresh pods are measured first; then idempotence, before anything is disturbed; then load, whose end is watched while others ask. */
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
