// The tab's title: percent of running uploads, then the page, then the product.

import { t } from "$src/i18n";

class PageTitle {
  page: string = $state("");
  percent: number | null = $state(null);

  get text(): string {
    const parts = [this.page, t.app.name].filter((part) => part !== "");
    return (this.percent === null ? "" : `${this.percent} % · `) + parts.join(" · ");
  }
}

export const title = new PageTitle();
