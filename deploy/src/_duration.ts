/** Durations: written with a unit outside, milliseconds inside. */
import { BadInput } from './errors.ts'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

type Unit = keyof typeof UNITS

/** A duration with its unit, such as `90s` or `500ms`. */
export type Duration = `${number}${Unit}`

/**
 * Milliseconds of a duration such as `90s`, `2m` or `500ms`.
 * @throws BadInput when the text is no number with a unit
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  if (!match) {
    throw new BadInput(`'${text}' is not a duration`, { next: 'write a number with a unit: 500ms, 30s, 2m or 1h' })
  }
  return Number(match[1]) * UNITS[match[2] as Unit]
}

/** `850 ms`, `4.2 s`, `3 m 05 s`, `2 h 10 m`, `5 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`
  return `${Math.floor(minutes / 1440)} d`
}
