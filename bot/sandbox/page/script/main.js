/** Starts the page: joins what the server tells, what people choose, and the parts that draw. */
import { drawCloud, startCloud } from "./cloud.js";
import { drawComposer, startComposer } from "./composer.js";
import { drawConversation, followEnd } from "./conversation.js";
import { drawSidebar } from "./sidebar.js";
import { choice, onChange } from "./state.js";
import { follow } from "./stream.js";
import { drawThread, startThread } from "./thread.js";
import { drawViews, startViews } from "./views.js";
import { drawWire, startWire } from "./wire.js";

startViews();
startComposer();
startThread();
followEnd("messages-scroll");
followEnd("thread-scroll");
startCloud();
startWire();
for (const draw of [drawViews, drawSidebar, drawConversation, drawThread, drawComposer, drawCloud, drawWire]) onChange(draw);
follow(choice.person);
