// SPDX-License-Identifier: BSD-3-Clause
// The report's style sheet: one accent for what is ours, quiet greys for the rest, light and dark.
#pragma once

#include <string_view>

namespace cooper::tools {

inline constexpr std::string_view report_style = R"css(
:root {
  --page: #f6f6f3; --card: #ffffff; --ink: #1b1e23; --muted: #646b75; --rule: #e3e3de; --grid: #ecece7;
  --ours: #0d7a6f; --ours2: #46b3a5; --peer: #a9b2bd; --peer2: #7d8794; --floor: #3b4450;
  --published: #b7791f; --simulated: #8b5cf6; --warn-ink: #7a4b00; --warn-page: #fff5df; --warn-rule: #f0d59b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111418; --card: #191d23; --ink: #e7e9ec; --muted: #98a1ad; --rule: #2c323b; --grid: #252b33;
    --ours: #3fcdbb; --ours2: #1f8f83; --peer: #56606d; --peer2: #7d8794; --floor: #c2cad4;
    --published: #e3ad52; --simulated: #a78bfa; --warn-ink: #f3d08a; --warn-page: #2a2213; --warn-rule: #5b4a20;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI",
  "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1080px; margin: 0 auto; padding: 26px 24px 80px; }
h1, h2, h3 { line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 23px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 26px 0 6px; }
p { margin: 6px 0; max-width: 76ch; }
a { color: var(--ours); text-decoration: none; } a:hover { text-decoration: underline; }
code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--page); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 16px;
  overflow-x: auto; }
.top { display: flex; justify-content: space-between; align-items: baseline; gap: 24px; margin-bottom: 14px;
  flex-wrap: wrap; }
.brand { font-weight: 650; letter-spacing: 0.01em; white-space: nowrap; } .brand span { color: var(--muted);
  font-weight: 400; }
.top nav { display: flex; gap: 4px 13px; flex-wrap: wrap; justify-content: flex-end; font-size: 12.5px; }
.top nav a { color: var(--muted); } .top nav a:hover { color: var(--ours); }
section, .hero { background: var(--card); border: 1px solid var(--rule); border-radius: 14px; padding: 26px 30px;
  margin: 0 0 18px; }
.hero .machine { color: var(--muted); max-width: none; margin: 0 0 12px; }
.hero h1 { font-size: 17px; font-weight: 500; color: var(--muted); letter-spacing: 0; }
.big { display: flex; align-items: baseline; gap: 22px; flex-wrap: wrap; margin: 2px 0 14px; }
.big .number { font-size: 68px; font-weight: 680; letter-spacing: -0.035em; line-height: 1.05; color: var(--ours); }
.big .number small { font-size: 30px; font-weight: 560; letter-spacing: -0.01em; }
.big .versus { font-size: 21px; } .big .versus b { font-weight: 680; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(175px, 1fr)); gap: 0; margin: 0 0 8px;
  border-top: 1px solid var(--rule); }
.cards div { padding: 12px 18px 12px 0; }
.cards b { display: block; font-size: 21px; font-weight: 640; letter-spacing: -0.015em; }
.cards span { display: block; color: var(--muted); font-size: 13px; line-height: 1.4; }
.lead { color: var(--muted); margin-bottom: 12px; }
.notice { background: var(--warn-page); border: 1px solid var(--warn-rule); color: var(--warn-ink);
  border-radius: 12px; padding: 10px 18px; margin: 0 0 18px; }
.notice b { font-weight: 650; } .notice ul { margin: 4px 0; padding-left: 20px; } .notice li { margin: 2px 0; }
.notice details { border: 0; margin: 4px 0 2px; padding: 0; } .notice summary { color: inherit; }
.quiet { color: var(--muted); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; margin: 12px 0 4px; }
th { text-align: right; font-weight: 560; color: var(--muted); border-bottom: 1px solid var(--rule);
  padding: 5px 10px; white-space: nowrap; vertical-align: bottom; }
td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--grid); white-space: nowrap; }
td:first-child, th:first-child { text-align: left; padding-left: 0; }
td.words, th.words { text-align: left; white-space: normal; color: var(--muted); min-width: 170px;
  line-height: 1.35; }
tr.ours td:first-child { font-weight: 640; color: var(--ours); } tr.simulated td { font-style: italic; }
tr.off td { color: var(--muted); }
details { margin: 14px 0 0; border-top: 1px solid var(--rule); padding-top: 10px; }
summary { cursor: pointer; color: var(--muted); } summary:hover { color: var(--ours); }
.published { border-left: 3px solid var(--published); padding: 2px 0 2px 18px; margin: 22px 0 4px; }
.published h3 { margin-top: 0; } .published td:first-child { font-weight: 400; white-space: normal; } .topology {
  margin: 14px 0; }
.tag { display: inline-block; border: 1px solid currentColor; border-radius: 4px; font-size: 11px;
  line-height: 1.45; padding: 0 5px; color: var(--muted); }
.tag.published-tag, .tag.M { color: var(--published); } .tag.M { border-style: dashed; }
.tag.simulated { color: var(--simulated); border-style: dashed; }
svg.chart { width: 100%; height: auto; display: block; margin: 8px 0 0; overflow: visible; }
.chart text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; }
.chart .tick, .chart .axis { fill: var(--muted); font-size: 12px; } .chart .note { fill: var(--muted); }
.chart .mid { text-anchor: middle; } .chart .end { text-anchor: end; } .chart .strong { font-weight: 650;
  fill: var(--ink); }
.chart .grid { stroke: var(--grid); } .chart .reference { stroke: var(--floor); stroke-width: 1.5;
  stroke-dasharray: 4 3; }
.chart .whisker { stroke: var(--ink); stroke-opacity: 0.55; stroke-width: 1.3; }
.chart .bar { fill: var(--peer); } .chart .bar.ours { fill: var(--ours); } .chart .bar.ours2 { fill: var(--ours2); }
.chart .bar.floor { fill: var(--floor); fill-opacity: 0.45; } .chart .bar.published { fill: var(--published);
  fill-opacity: 0.5; }
.chart .bar.simulated { fill: none; stroke: var(--simulated); stroke-dasharray: 3 2; }
.chart .line { fill: none; stroke: var(--peer2); stroke-width: 2.2; stroke-linejoin: round; }
.chart .line.ours { stroke: var(--ours); } .chart .line.ours2 { stroke: var(--ours2); } .chart .line.peer {
  stroke: var(--peer); }
.chart .line.floor { stroke: var(--floor); stroke-dasharray: 4 3; } .chart .line.simulated {
  stroke: var(--simulated); stroke-dasharray: 3 3; }
.chart .dot { fill: var(--peer2); stroke: var(--card); stroke-width: 1.5; }
.chart .dot.ours { fill: var(--ours); } .chart .dot.ours2 { fill: var(--ours2); } .chart .dot.peer {
  fill: var(--peer); }
.chart .dot.floor { fill: var(--floor); } .chart .dot.simulated { fill: var(--card); stroke: var(--simulated); }
.chart .line.published { stroke: var(--published); stroke-dasharray: 2 4; } .chart .dot.published {
  fill: var(--published); } .chart .key.published { fill: var(--published); font-weight: 400; }
section.simulated { border: 1px dashed var(--simulated); }
.chart .key { font-weight: 560; fill: var(--peer2); } .chart .key.ours { fill: var(--ours); } .chart .key.ours2 {
  fill: var(--ours2); }
.chart .key.floor { fill: var(--floor); } .chart .key.simulated { fill: var(--simulated); font-style: italic; }
.chart .cell { fill: var(--ours); } .chart .cell.none { fill: var(--grid); }
.chart .in-cell { font-size: 11px; text-anchor: middle; } .chart .in-cell.dark { fill: var(--card); }
.chart .trace { stroke: var(--ours); stroke-width: 1.6; fill: none; }
.chart .mark:hover { opacity: 0.75; }
.topology svg { max-width: 100%; height: auto; }
footer { color: var(--muted); font-size: 13px; margin-top: 26px; }
@media (max-width: 700px) { main { padding: 14px 10px 50px; } section, .hero { padding: 18px 16px; } .big .number {
  font-size: 52px; } }
@media print { .top nav { display: none; } section, .hero { break-inside: avoid; } }
)css";

}  // namespace cooper::tools
