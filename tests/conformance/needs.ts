/** What requirements may need, and whether this cluster has it. Pure. */

/** A fact about the cluster: there, or the reason why not. */
export type Fact = { met: true } | { met: false; reason: string }

export const NEEDS = {
  application: 'the application is deployed',
  ingress: 'the ingress controller can be reached',
  metrics: 'the metrics API gives figures of pods',
  'probe image': 'an image with Python is in the cluster, for pods that ask questions',
  render: 'kustomize renders the overlays',
} as const

export type Need = keyof typeof NEEDS

export type Facts = Record<Need, Fact>

/** Needs that the application's namespace meets, once a release is in place. */
const OF_THE_RELEASE: readonly Need[] = ['application', 'ingress', 'metrics', 'probe image']

/** @returns whether a release must be in place for at least one of the requirements */
export function needRelease(requirements: readonly { needs: readonly Need[] }[]): boolean {
  return requirements.some(({ needs }) => needs.some((need) => OF_THE_RELEASE.includes(need)))
}

/** The reasons why a requirement cannot be asked; none when it can. */
export function unmet(needs: readonly Need[], facts: Facts): string[] {
  return needs.flatMap((need) => {
    const fact = facts[need]
    return fact.met ? [] : [`${NEEDS[need]}: no, ${fact.reason}`]
  })
}

export const MET: Fact = { met: true }

export function missing(reason: string): Fact {
  return { met: false, reason }
}

/** Every need unmet for one reason: the cluster could not be used at all. */
export function nothingMet(reason: string): Facts {
  return Object.fromEntries(Object.keys(NEEDS).map((need) => [need, missing(reason)])) as Facts
}
