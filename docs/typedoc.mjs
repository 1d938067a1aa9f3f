// A plugin of typedoc. It numbers what has the same name on a page, so that one member more would change hundreds of lines: where a
// number would be, there is no link.
import { MarkdownPageEvent } from 'typedoc-plugin-markdown';

export function load({ renderer }) {
  renderer.on(MarkdownPageEvent.END, page => {
    page.contents = page.contents
      .replace(/<a id="[\w-]+"><\/a> /g, '')
      .replace(/\[(`[^`]+`)\]\([\w.-]*#(?:property-[\w-]+|[\w-]+-\d+)\)/g, '$1');
  });
}
