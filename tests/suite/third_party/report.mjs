// Reads a report as people do, in Chromium, and says what is wrong with it.
//
// node report.mjs MODULES CHROMIUM PAGE OTHER…, the others being pages that are only read and heard
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, chromium, file, ...others] = process.argv.slice(2);
const require = createRequire(path.join(modules, "x.js"));
const puppeteer = require("puppeteer-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const addressOf = (name) => pathToFileURL(name).href;

const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// A page of its own for each thing, on which nothing may be fetched or complained of.
async function reading(name, options, act) {
  const address = addressOf(options.file ?? file);
  const page = await browser.newPage();
  const wrong = [];
  page.on("request", (request) => request.url() === address || wrong.push(`request: ${request.url()}`));
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  await page.setViewport({ width: options.width ?? 1280, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: options.scheme ?? "light" }]);
  await page.setJavaScriptEnabled(options.script ?? true);
  await page.goto(address);
  await act(page);
  assert.deepEqual(wrong, [], name);
  await page.close();
  console.log(`${name}: well`);
}

const texts = (page, query) => page.$$eval(query, (found) => found.map((each) => each.textContent.trim()));
const boxOf = async (page, query) => {
  const element = await page.$(query);
  await element.scrollIntoView();
  return element.boundingBox();
};
const viewBoxes = (page) => page.$$eval(".plot[data-time] > svg", (found) => [...new Set(found.map((each) => each.getAttribute("viewBox")))]);
const latency = "section:has(> #latency) .plot";

try {
  const looks = ["light", "dark"].flatMap((scheme) => [1280, 390].map((width) => ({ scheme, width })));
  for (const each of [file, ...others]) {
    for (const { scheme, width } of looks) {
      await reading(`accessible, ${path.basename(each)}, ${scheme}, ${width}`, { scheme, width, file: each }, async (page) => {
        await page.evaluate(axe);
        await page.$$eval("details", (found) => found.forEach((each) => (each.open = true)));
        const { violations } = await page.evaluate(() => window.axe.run());
        const serious = violations.filter((found) => ["serious", "critical"].includes(found.impact));
        const told = serious.map((found) => `${found.id}: ${found.nodes.map((node) => node.html.slice(0, 200)).join("\n  ")}`);
        assert.deepEqual(told, []);
        const over = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
        assert.equal(over, 0, "nothing reaches beyond the page");
      });
    }
  }

  for (const other of others) {
    await reading(`without scripts, ${path.basename(other)}`, { file: other, script: false }, async (page) => {
      assert.equal((await page.$$("button")).length, 0);
      for (const part of await texts(page, "h2")) assert.ok(part, "each section has a name");
    });
  }

  await reading("sorting", {}, async (page) => {
    const order = () => texts(page, "table.steps tbody th .name");
    const head = (name) => page.locator(`::-p-xpath(//table[contains(@class,"steps")]//th/button[.="${name}"])`);
    const written = await order();
    const counts = async () => (await texts(page, "table.steps tbody td:nth-child(2)")).map((text) => +text.replaceAll(",", ""));
    const sorted = (numbers, sign) => [...numbers].sort((a, b) => sign * (a - b));
    await head("Requests").click();
    assert.deepEqual(await counts(), sorted(await counts(), -1));
    assert.equal(await page.$eval('table.steps th[aria-sort="descending"]', (head) => head.textContent), "Requests");
    await head("Requests").click();
    assert.deepEqual(await counts(), sorted(await counts(), 1));
    await head("p99").click();
    const p99 = await texts(page, "table.steps tbody td:nth-child(8)");
    const missing = p99.map((text) => text.startsWith("n/a"));
    assert.ok(missing.includes(true) && missing.includes(false), `${p99}`);
    assert.deepEqual(missing, [...missing].sort(), "what has no number comes last");
    await head("Step").click();
    assert.deepEqual(await order(), [...written].sort());
  });

  await reading("hiding a line", {}, async (page) => {
    const button = await page.waitForSelector(`::-p-xpath(//section[h2/@id="latency"]//ul[@class="legend"]//button[.="p95"])`);
    const shown = async () => (await page.$$eval(`${latency} g[data-s]`, (found) => found.map((each) => each.style.display !== "none"))).filter(Boolean).length;
    const before = await shown();
    await button.click();
    assert.equal(await shown(), before - 1);
    assert.equal(await button.evaluate((each) => each.ariaPressed), "false");
    await button.focus();
    await page.keyboard.press("Enter");
    assert.equal(await shown(), before);
  });

  await reading("reading values", {}, async (page) => {
    const box = await boxOf(page, `${latency} > svg`);
    await page.mouse.move(box.x + box.width * 0.62, box.y + box.height / 2);
    const told = await texts(page, ".told:not([hidden])");
    assert.ok(told.length >= 5, `all charts over time say it: ${told}`);
    const row = await page.$eval(`section:has(> #latency) table.over-time tbody tr:nth-child(10)`, (row) => [...row.cells].map((cell) => cell.textContent));
    assert.match(told.find((text) => text.includes("p95")), new RegExp(`^${row[0]} – 10s.*p95 ${row[3]}`));
    await page.mouse.move(5, 5);
    assert.deepEqual(await texts(page, ".told:not([hidden])"), []);
  });

  await reading("a stretch of time", {}, async (page) => {
    const box = await boxOf(page, `${latency} > svg`);
    const drag = async (from, to) => {
      await page.mouse.move(box.x + box.width * from, box.y + 50);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * to, box.y + 60, { steps: 4 });
      assert.equal((await page.$$(".brush")).length, 1);
      await page.mouse.up();
    };
    assert.deepEqual(await viewBoxes(page), ["0 0 1000 300"]);
    await drag(0.8, 0.4);
    const [zoomed, ...others] = await viewBoxes(page);
    assert.deepEqual(others, [], "all charts show the same stretch");
    const [x, , width] = zoomed.split(" ").map(Number);
    assert.ok(Math.abs(x - 400) < 3 && Math.abs(width - 400) < 3, zoomed);
    assert.equal((await page.$$(".brush")).length, 0);
    assert.match((await texts(page, `${latency} .plot-x span`)).join(" "), /^6s 8s 10s/);
    await page.mouse.click(box.x + box.width * 0.5, box.y + 60, { count: 2 });
    assert.deepEqual(await viewBoxes(page), ["0 0 1000 300"]);
    await drag(0.1, 0.3);
    await page.locator("button.whole").click();
    assert.deepEqual(await viewBoxes(page), ["0 0 1000 300"]);
    assert.equal(await page.$eval("button.whole", (button) => button.hidden), true);
  });

  await reading("by keyboard", {}, async (page) => {
    await page.focus(latency);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    const told = () => page.$eval(`${latency} .told`, (each) => `${each.hidden} ${each.textContent}`);
    assert.match(await told(), /^false 1s – 2s/);
    await page.keyboard.press("+");
    assert.notDeepEqual(await viewBoxes(page), ["0 0 1000 300"]);
    await page.keyboard.press("Escape");
    assert.deepEqual(await viewBoxes(page), ["0 0 1000 300"]);
    await page.keyboard.press("Tab");
    assert.match(await told(), /^true/);
  });

  await reading("one step", {}, async (page) => {
    const inside = async () => page.$eval("details.step table", (table) => table.checkVisibility());
    assert.equal(await inside(), false);
    await page.locator("details.step summary").click();
    assert.equal(await inside(), true);
  });

  await reading("nothing else runs", {}, async (page) => {
    const ran = await page.evaluate(
      () =>
        new Promise((done) => {
          document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true });
          const script = document.createElement("script");
          script.textContent = "window.ran = 1";
          document.body.append(script);
          if (window.ran) done("it ran");
        }),
    );
    assert.equal(ran, "script-src-elem");
  }).catch((error) => {
    // The browser says on its console that it refused.
    if (!/console: (Executing|Refused)/.test(error.message)) throw error;
    console.log("nothing else runs: well");
  });

  await reading("without scripts", { script: false }, async (page) => {
    assert.equal((await page.$$("button")).length, 0);
    const text = await page.$eval("body", (body) => body.innerText);
    for (const part of ["Failed", "Assertions", "Latency over time", "Latency heatmap", "Percentiles", "Steps", "Comparison", "Provenance"]) assert.ok(text.includes(part), part);
    await page.focus("details.step summary");
    await page.keyboard.press("Enter");
    assert.equal(await page.$eval("details.step table", (table) => table.checkVisibility()), true);
  });
} finally {
  await browser.close();
}
