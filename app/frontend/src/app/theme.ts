import * as v from "valibot";
import type { KeptText } from "../storage.ts";

export const THEMES = ["system", "light", "dark"] as const;
/** `system` follows the device's own setting. */
export type Theme = (typeof THEMES)[number];

const KEY = "todo-chat.theme";

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
}

/** The choice of an earlier visit; anything else in the storage counts as `system`. */
export function readTheme(storage: KeptText): Theme {
  const result = v.safeParse(v.picklist(THEMES), storage.getItem(KEY));
  return result.success ? result.output : "system";
}

export function writeTheme(storage: KeptText, theme: Theme): void {
  storage.setItem(KEY, theme);
}
