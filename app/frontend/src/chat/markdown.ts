/** Markdown of answers as templates of a closed set of elements: nothing of the text ever becomes markup by itself. */
import { html, nothing } from "lit-html";
import MarkdownIt, { type Token } from "markdown-it";

/** Bare addresses become links. Raw HTML stays text by default, and would below if the parser told of it. */
const parser = new MarkdownIt({ linkify: true });

/** Where a link may lead; anything else is shown as its words. */
const PROTOCOLS: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);

interface Node {
  token: Token;
  children: Node[];
}

export function markdownView(text: string): unknown {
  return all(treeOf(parser.parse(text, {})));
}

/** The parser gives a flat list, in which an element is an opening and a closing token. */
function treeOf(tokens: Token[]): Node[] {
  const root: Node[] = [];
  const open = [root];
  for (const token of tokens) {
    if (token.nesting < 0) {
      open.pop();
      continue;
    }
    const node = { token, children: treeOf(token.children ?? []) };
    open.at(-1)?.push(node);
    if (token.nesting > 0) open.push(node.children);
  }
  return root;
}

const all = (nodes: Node[]): unknown => nodes.map(nodeView);

function nodeView({ token, children }: Node): unknown {
  switch (token.type) {
    case "text":
      return token.content;
    // A single line break is one too, as people write in a chat.
    case "softbreak":
    case "hardbreak":
      return html`<br />`;
    case "paragraph_open":
      // A tight list has paragraphs that are not to be seen as such.
      return token.hidden ? all(children) : html`<p dir="auto">${all(children)}</p>`;
    case "heading_open":
      // The headings of the page are its outline; an answer has no part in it.
      return html`<p dir="auto" class="heading"><strong>${all(children)}</strong></p>`;
    case "bullet_list_open":
      return html`<ul>
        ${all(children)}
      </ul>`;
    case "ordered_list_open":
      return html`<ol start=${token.attrGet("start") ?? nothing}>
        ${all(children)}
      </ol>`;
    case "list_item_open":
      return html`<li dir="auto">${all(children)}</li>`;
    case "blockquote_open":
      return html`<blockquote>${all(children)}</blockquote>`;
    case "em_open":
      return html`<em>${all(children)}</em>`;
    case "strong_open":
      return html`<strong>${all(children)}</strong>`;
    case "s_open":
      return html`<s>${all(children)}</s>`;
    case "link_open":
      return linkView(token.attrGet("href") ?? "", all(children));
    case "code_inline":
      return html`<code>${token.content}</code>`;
    case "code_block":
    case "fence":
      return html`<pre dir="ltr" tabindex="0"><code>${token.content}</code></pre>`;
    case "hr":
      return html`<hr />`;
    case "table_open":
      return html`<table>
        ${all(children)}
      </table>`;
    case "tr_open":
      return html`<tr>
        ${all(children)}
      </tr>`;
    case "th_open":
      return html`<th dir="auto">${all(children)}</th>`;
    case "td_open":
      return html`<td dir="auto">${all(children)}</td>`;
    case "image":
      // Nothing is fetched for an answer: that would tell another server that it was read.
      return token.content;
    default:
      return children.length > 0 ? all(children) : token.content;
  }
}

function linkView(href: string, words: unknown): unknown {
  const protocol = URL.canParse(href) ? new URL(href).protocol : "";
  if (!PROTOCOLS.has(protocol)) return words;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${words}</a>`;
}
