/** Which checks of a run are run, and when. Pure. */

/**
 * @param names of all checks
 * @param only those to run; empty: all
 * @param skip those to leave out
 * @returns the names to run, in the order of `names`
 * @throws Error that lists the checks for a name that is none of theirs, and for one that is in both lists
 */
export function select(names: readonly string[], only: readonly string[], skip: readonly string[]): string[] {
  const unknown = [...new Set([...only, ...skip])].filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`no check is named ${unknown.join(', ')}; the checks are ${names.join(', ')}`)
  const both = only.filter((name) => skip.includes(name))
  if (both.length > 0) throw new Error(`--only and --skip both name ${both.join(', ')}: take it out of one of them`)
  const chosen = names.filter((name) => (only.length === 0 || only.includes(name)) && !skip.includes(name))
  if (chosen.length === 0) throw new Error(`--skip names every check: nothing would run; the checks are ${names.join(', ')}`)
  return chosen
}

/** From so many processors on, a browser test beside the other checks is not slowed down by them into a failure. */
const ENOUGH_PROCESSORS = 4

/** @returns the check, free to run beside the others where the machine has room for both */
export function besideOthers<Item extends { alone?: true }>(check: Item, processors: number): Item {
  if (processors < ENOUGH_PROCESSORS) return check
  const { alone: _alone, ...free } = check
  return free as Item
}
