/** Line icons on a 24 × 24 grid. They are decoration: the element around them carries the words. */
import { html, type TemplateResult } from "lit-html";

function icon(paths: TemplateResult): TemplateResult {
  return html`<span class="icon" aria-hidden="true">${paths}</span>`;
}

export const icons = {
  mark: icon(
    html`<svg viewBox="0 0 24 24">
      <path d="M4 5.5h16v11H11l-4.5 3.5v-3.5H4z" />
      <path d="m8.5 11 2.4 2.4 4.6-4.8" />
    </svg>`,
  ),
  add: icon(html`<svg viewBox="0 0 24 24"><path d="M12 5v14M5 12h14" /></svg>`),
  send: icon(html`<svg viewBox="0 0 24 24"><path d="M12 19V5M6 11l6-6 6 6" /></svg>`),
  stop: icon(html`<svg viewBox="0 0 24 24"><path d="M7 7h10v10H7z" /></svg>`),
  edit: icon(html`<svg viewBox="0 0 24 24"><path d="M4 20h4L19 9l-4-4L4 16zM13 7l4 4" /></svg>`),
  remove: icon(
    html`<svg viewBox="0 0 24 24"><path d="M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5" /></svg>`,
  ),
  check: icon(html`<svg viewBox="0 0 24 24"><path d="m5 12.5 4.5 4.5L19 7.5" /></svg>`),
  cross: icon(html`<svg viewBox="0 0 24 24"><path d="m6 6 12 12M18 6 6 18" /></svg>`),
  working: icon(html`<svg viewBox="0 0 24 24"><path d="M12 4a8 8 0 1 1-8 8" /></svg>`),
  retry: icon(html`<svg viewBox="0 0 24 24"><path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.5v4h-4" /></svg>`),
  warning: icon(html`<svg viewBox="0 0 24 24"><path d="M12 4 3 19.5h18zM12 10v4.5M12 17v.2" /></svg>`),
  chat: icon(html`<svg viewBox="0 0 24 24"><path d="M4 5h16v11h-9l-4.5 4v-4H4z" /></svg>`),
  tasks: icon(
    html`<svg viewBox="0 0 24 24"><path d="m3.5 6.5 1.5 1.5 2.5-3M3.5 16.5 5 18l2.5-3M11 7h9.5M11 17h9.5" /></svg>`,
  ),
  history: icon(html`<svg viewBox="0 0 24 24"><path d="M4 6h16M4 12h16M4 18h10" /></svg>`),
  signOut: icon(html`<svg viewBox="0 0 24 24"><path d="M10 5H5v14h5M10 12h10M16 8l4 4-4 4" /></svg>`),
  signOutEverywhere: icon(
    html`<svg viewBox="0 0 24 24"><path d="M8 3H4v18h4M12 8h8M17 5l3 3-3 3M12 16h8M17 13l3 3-3 3" /></svg>`,
  ),
  system: icon(html`<svg viewBox="0 0 24 24"><path d="M4 5h16v11H4zM9 20h6M12 16v4" /></svg>`),
  light: icon(
    html`<svg viewBox="0 0 24 24">
      <circle cx="12" cy="12" r="4" />
      <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4" />
    </svg>`,
  ),
  dark: icon(html`<svg viewBox="0 0 24 24"><path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z" /></svg>`),
};
