# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a page looks: light and dark, wide and narrow, on screen and on paper."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--dim:#5b6675;--line:#dfe4ea;
--good:#18794e;--bad:#c0362c;--warn:#9a6700;--idle:#6b7685;--bar:#3b6fb6;--track:#e8ecf1;
--n0:#2f6fc4;--n1:#c2571a;--n2:#18794e;--n3:#8b3fb0;--n4:#b3266b;--n5:#0b7f91;--n6:#8a6d00;
--n7:#5b6675}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b2129;--ink:#e6eaf0;--dim:#9aa6b5;
--line:#303945;--good:#5bcf98;--bad:#ff8a7d;--warn:#e8b94b;--idle:#9aa6b5;--bar:#6ea2e8;
--track:#2a323d;--n0:#6ea2e8;--n1:#f29a63;--n2:#5bcf98;--n3:#c793e6;--n4:#f07fb4;--n5:#55c4d6;
--n6:#dcc04a;--n7:#9aa6b5}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 20px 48px}
header{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:baseline;margin-bottom:16px}
h1{font-size:26px;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:17px;margin:0 0 12px;overflow-wrap:anywhere}
header p,.dim{color:var(--dim);margin:0}
p.dim+*{margin-top:6px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;
margin:0 0 16px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;
margin:0 0 16px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:26px;line-height:1.2;font-weight:650}
.tile span{color:var(--dim);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 16px;
align-items:start}
ul{margin:0;padding-left:18px}
li{overflow-wrap:anywhere}
.warns{border-color:var(--warn)}
.bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}.idle{color:var(--idle)}
table{border-collapse:collapse;width:100%}
th{font-size:12.5px;font-weight:600;color:var(--dim);text-align:left;padding:0 12px 6px 0;
white-space:nowrap}
td{padding:7px 12px 7px 0;border-top:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}
td.name,td.group{font-weight:600}
tr.group td{font-weight:600;color:var(--dim);font-size:13px;padding-top:14px;border-top:0}
.num{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
th.num{padding-right:0}td.num{padding-right:0;padding-left:12px}
code{font:13px/1.5 ui-monospace,monospace}
.dot{display:inline-block;width:9px;height:9px;border-radius:50%;background:currentColor;
margin-right:7px}
.dot.hollow{background:none;border:2px solid currentColor}
.tag{display:inline-block;border:1px solid var(--line);border-radius:6px;padding:0 7px;margin:0 4px
3px 0;font-size:13px;max-width:100%;overflow-wrap:anywhere;vertical-align:top}
.map{overflow-x:auto}
.map svg{display:block;height:auto;max-width:100%}
.key{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;padding:0;margin:0 0 10px;
font-size:14px}
.wide{table-layout:fixed}.wide th:nth-child(1){width:23%}.wide th:nth-child(2){width:15%}
.wide th:nth-child(3){width:22%}.wide th:nth-child(4){width:16%}.wide th:nth-child(5){width:17%}
.bar+table{margin-top:14px}td .bar{margin-top:7px}
.bar{height:8px;border-radius:4px;background:var(--track);overflow:hidden;min-width:60px}
.bar i{display:block;height:100%;background:var(--bar)}
footer{color:var(--dim);font-size:13px}
@media (max-width:700px){main{padding:16px 12px 32px}section{padding:14px}
.map svg{max-width:none}
.rows thead{display:none}.rows,.rows tbody,.rows tr,.rows td{display:block}
.rows tr{border-top:1px solid var(--line);padding:10px 0}.rows tbody tr:first-child{border-top:0}
.rows td{border:0;padding:2px 0 2px 104px;text-align:left;position:relative;min-height:26px}
.rows td:before{content:attr(data-of);position:absolute;left:0;width:98px;color:var(--dim);
font-size:13px;font-weight:400}
.rows td.empty{display:none}
.rows tr.group{padding:14px 0 0}.rows tr.group td{padding:0;min-height:0}
.rows td.name{padding-left:0}.rows td.name:before{content:none}}
@media print{body{background:none}section,.tile{break-inside:avoid}}
"""
