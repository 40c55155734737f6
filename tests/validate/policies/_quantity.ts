/** Kubernetes quantities as numbers. */

const FACTORS: Record<string, number> = {
  '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40,
}

/**
 * A quantity in its base unit: cores for CPU, bytes for memory and storage.
 * @throws RangeError for text that is no quantity
 */
export function amount(quantity: string | number): number {
  const [, number, suffix = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(String(quantity)) ?? []
  const factor = FACTORS[suffix]
  if (number === undefined || factor === undefined) throw new RangeError(`quantity must be a number with a unit, found ${quantity}`)
  return Number(number) * factor
}
