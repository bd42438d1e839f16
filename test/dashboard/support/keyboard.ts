/** Going through a page by the Tab key alone. */
import type { Page } from 'playwright-core';

const MOST_STOPS = 120;

/** Presses Tab until what is called so has the focus. @throws Error where Tab never comes there */
export async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press('Tab');
    const at = (await page.evaluate(`(() => {
      const at = document.activeElement;
      return (at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent ?? '').trim();
    })()`)) as string;
    if (at === name) return;
    seen.push(at.slice(0, 40));
  }
  throw new Error(`Tab must come to ${JSON.stringify(name)} (came to ${seen.join(' | ')})`);
}
