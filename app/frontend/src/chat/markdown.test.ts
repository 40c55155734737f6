import { beforeEach, describe, expect, it } from "@jest/globals";
import { render } from "lit-html";
import { markdownView } from "./markdown.ts";

let root: HTMLElement;
beforeEach(() => {
  root = document.createElement("div");
});

/** The markup without lit's marks, without white space between elements and without the direction. */
function markup(text: string): string {
  render(markdownView(text), root);
  return root.innerHTML
    .replaceAll(/<!--.*?-->/g, "")
    .replaceAll(/ dir="auto"/g, "")
    .replaceAll(/>\n\s*</g, "><")
    .trim();
}

describe("Markdown of an answer", () => {
  it.each([
    ["plain words", "<p>plain words</p>"],
    ["one\ntwo", "<p>one<br>two</p>"],
    ["one\n\ntwo", "<p>one</p><p>two</p>"],
    [
      "**bold** *soft* ~~gone~~ `a < b`",
      "<p><strong>bold</strong> <em>soft</em> <s>gone</s> <code>a &lt; b</code></p>",
    ],
    ["# Title", '<p class="heading"><strong>Title</strong></p>'],
    ["- a\n- b", "<ul><li>a</li><li>b</li></ul>"],
    ["3. c\n4. d", '<ol start="3"><li>c</li><li>d</li></ol>'],
    ["1. a\n   - b", "<ol><li>a<ul><li>b</li></ul></li></ol>"],
    ["> said", "<blockquote><p>said</p></blockquote>"],
    ["a\n\n---", "<p>a</p><hr>"],
    ["```js\nif (a < b) {}\n```", '<pre dir="ltr" tabindex="0"><code>if (a &lt; b) {}\n</code></pre>'],
    ["| a | b |\n|---|---|\n| c | d |", "<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>"],
    ["&amp; &lt;b&gt;", "<p>&amp; &lt;b&gt;</p>"],
  ])("%j", (text, expected) => {
    expect(markup(text)).toBe(expected);
  });

  it.each(["https://example.org/a?b=c", "mailto:ada@example.org"])("leads to %s in another tab", (href) => {
    render(markdownView(`[there](${href})`), root);
    const link = root.querySelector("a");
    expect(link).toHaveAttribute("href", href);
    expect(link).toHaveAttribute("rel", "noopener noreferrer");
    expect(link).toHaveAttribute("target", "_blank");
  });

  it("makes a link of a bare address", () => {
    render(markdownView("see https://example.org/a."), root);
    expect(root.querySelector("a")).toHaveAttribute("href", "https://example.org/a");
  });

  it.each([
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "![seen](https://example.org/pixel.png)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html,hi)",
    "[x](/api/auth/logout)",
    "[x](//example.org)",
    '[x](https://example.org" onclick="alert(1))',
    "<svg/onload=alert(1)>",
    "`<iframe>`",
    "<https://example.org/><b>",
  ])("lets nothing through: %j", (text) => {
    render(markdownView(text), root);
    expect(root.querySelector("script, img, iframe, svg, b, style")).toBeNull();
    for (const element of root.querySelectorAll("*")) {
      expect(element.getAttributeNames().filter((name) => !["dir", "href", "rel", "target"].includes(name))).toEqual(
        [],
      );
      const href = element.getAttribute("href");
      if (href !== null) expect(href).toMatch(/^https:/);
    }
  });

  it("takes its direction from its content, block by block", () => {
    render(markdownView("שלום\n\nhello\n\n- עולם"), root);
    expect([...root.querySelectorAll("p, li")].map((block) => block.getAttribute("dir"))).toEqual([
      "auto",
      "auto",
      "auto",
    ]);
  });
});
