/**
 * The page's own words. The source is English; a person whose locale begins with "zh" reads the Chinese below.
 * Names, ids, codes and what the stand-ins answer on the wire are shown as they are.
 */
const CHINESE = {
  "Skip to the message box": "跳到消息输入框", "Upgrade sandbox": "升级沙箱", "Sandbox · StarRocks upgrade bot": "沙箱 · StarRocks 升级机器人",
  "A stand-in Slack and a stand-in TaurusDB on this computer. Nothing here reaches the real ones.": "本机上的模拟 Slack 和模拟 TaurusDB，不会访问真实的服务。",
  "Connecting…": "正在连接…", Live: "已连接", "Reconnecting…": "正在重新连接…", "Request log": "请求日志", "Channels and people": "频道和人员",
  Channels: "频道", "You are": "您的身份", "Messages in the channel": "频道消息", "Ready examples": "示例命令", "Message, or the command": "消息或命令",
  Send: "发送", Try: "试一试", Thread: "消息列", "Close the thread": "关闭消息列", "Replies in the thread": "消息列中的回复",
  "Open the replies of a message to read its thread here. Press a button of a message, and its thread opens by itself.": "打开一条消息的回复，即可在此查看消息列。点击消息中的按钮时，消息列会自动打开。",
  Cloud: "华为云", "stand-in TaurusDB": "模拟 TaurusDB", "Instances and jobs": "实例和任务", "Next call": "下次调用", Speed: "速度", Instances: "实例", Jobs: "任务",
  "Every call until changed": "每次调用，直到更改", "No job yet.": "暂无任务。", "Show calls to": "显示对象", All: "全部", "Close the request log": "关闭请求日志", "Calls, the newest first": "调用记录（最新在前）",
  "No call yet. Every Slack call and every cloud request of the bot appears here, secrets hidden.": "暂无调用。机器人的每次 Slack 调用和云请求都会显示在此，敏感信息已隐藏。",
  Views: "视图", Chat: "消息", "This page needs JavaScript; all of it is served from this computer.": "本页面需要 JavaScript，全部内容由本机提供。",
  archived: "已归档", "no bot here": "机器人不在", "new messages": "有新消息", "no locale": "未设置语言", guest: "访客",
  "Rename the channel": "重命名频道", "New name": "新名称", Rename: "重命名", "Keep the name": "保留原名称",
  "can become": "可升级至", latest: "已是最新", busy: "忙", normal: "正常", abnormal: "异常", "waits for its window": "等待可维护时间段",
  Pending: "等待中", Running: "执行中", Completed: "已完成", Failed: "失败", Canceled: "已取消", Unauthorized: "待授权", Paused: "已暂停",
  restarting: "重启", upgrading: "升级", "backing up": "备份", "Runs: {actions}": "正在进行：{actions}",
  "Upgrade scheduled for its window, {time}": "已计划在可维护时间段内升级，{time}", "The window opens {time}; nothing runs before.": "可维护时间段将于 {time} 开始，此前不会执行任何操作。",
  "Data-sync: {task}": "数据同步：{task}", wait: "等待", full: "全量", incremental: "增量", "A restart waits for the window": "有重启任务等待可维护时间段",
  "Progress of the upgrade of {name}": "{name} 的升级进度", "Open the maintenance window now": "立即开启可维护时间段", "Open the maintenance window of {name} now": "立即开启 {name} 的可维护时间段",
  "Other people's work": "他人的操作", "Add a data-sync task": "添加数据同步任务", "Remove the data-sync task": "移除数据同步任务", "Add a data-sync task to {name}": "为 {name} 添加数据同步任务", "Remove the data-sync task of {name}": "移除 {name} 的数据同步任务",
  "Start a backup": "开始备份", "End the backup": "结束备份", "Start a backup of {name}": "开始备份 {name}", "End the backup of {name}": "结束 {name} 的备份",
  "Schedule a restart": "计划重启", "Remove the restart": "取消计划的重启", "Schedule a restart of {name}": "计划在可维护时间段内重启 {name}", "Remove the restart of {name}": "取消 {name} 计划的重启",
  "Copy the id": "复制 ID", "Copy the id of {name}": "复制 {name} 的 ID", "The id of {name} is copied.": "已复制 {name} 的 ID。", "the job of {name}": "{name} 的任务",
  "The browser does not let this page copy: select the id and copy it by hand.": "浏览器不允许本页面复制，请选中 ID 后手动复制。",
  "{command} …  as {name}": "{command} …  身份：{name}", "{command} is no command here.": "此处没有 {command} 命令。", "Nobody reads plain messages in this sandbox.": "沙箱中没有人阅读普通消息。", "The bot hears {command}.": "机器人只响应 {command}。",
  "The sandbox did not answer ({reason}).": "沙箱没有应答（{reason}）。", "The bot did not answer in time; the text is kept.": "机器人未及时应答，已保留输入内容。",
  "The bot has not been invited to this channel. Try the command here to see what it says.": "机器人尚未加入此频道。可在此执行命令，查看它的提示。",
  "No message yet. Choose an example under the box below, or type {command}.": "暂无消息。请选择输入框下方的示例，或输入 {command}。",
  "Only visible to you: {text}": "仅您可见：{text}", "Only visible to you": "仅您可见", "{author}, only visible to you": "{author}，仅您可见", App: "应用", "also sent to the channel": "同时发送到频道", "(edited)": "（已编辑）",
  "1 reply": "1 条回复", "{count} replies": "{count} 条回复", "Replied to a thread": "回复了消息列", "Open thread": "打开消息列", last: "最近",
  Arguments: "参数", Answer: "应答", Request: "请求", Fault: "故障", "no answer": "无应答",
  now: "立即", "by name": "按名称", delayed: "延时", "skip-validate": "跳过校验", "unknown id": "未知 ID", "in07 id": "in07 ID", "—delay": "—delay", help: "帮助",
  "upgrade at once": "立即升级", "a name that one instance alone has": "仅有一个实例使用的名称", "upgrade in the maintenance window": "在可维护时间段内升级", "upgrade without the cloud's own check": "不经云上的升级校验直接升级",
  "well formed, but nobody's": "格式正确，但实例不存在", "the id of the TaurusDB instance, a frequent mix-up": "TaurusDB 实例的 ID，常被混淆", "an instance on which something runs": "正在进行其他操作的实例", "the em dash that keyboards make of two hyphens": "键盘将两个连字符变成的破折号", "what the bot understands": "机器人能理解的内容",
  "a job takes seconds": "任务耗时数秒", "a job takes a minute": "任务耗时一分钟", "a job takes hours": "任务耗时数小时", "jobs stand still": "任务停滞",
  answers: "正常应答", "Refused by the API: nothing happens": "API 拒绝：不产生任何影响", "Lost on the way: nothing happens": "途中丢失：不产生任何影响", "It happens, but the answer is spoilt": "操作已执行，但应答异常", "Accepted, then the job goes its own way": "已受理，随后任务出现异常",
  "the connection is closed before the request is read": "请求被读取前连接关闭", "the request is read, then the connection is closed; nothing happened": "请求被读取后连接关闭，未执行",
  "the request is read and not answered for as long as the bot waits, 60 s; nothing happened": "请求被读取，但在机器人等待的 60 秒内不应答，未执行", "200 with an HTML page instead of JSON; nothing happened": "返回 200 和 HTML 页面而非 JSON，未执行", "302 to another address; nothing happened": "302 重定向到其他地址，未执行",
  "answered well, but late": "应答正常，但延迟", "it happens, then the connection is closed without an answer": "已执行，随后连接关闭且无应答", "it happens, then the connection is reset": "已执行，随后连接被重置", "it happens, and is not answered for as long as the bot waits, 60 s": "已执行，但在机器人等待的 60 秒内不应答",
  "it happens, but the gateway answers 504 APIGW.0201": "已执行，但网关返回 504 APIGW.0201", "a gateway sends it twice; the answer is that of the second copy": "网关发送了两次，返回第二次的应答", "it happens, but the connection is closed in the middle of the answer": "已执行，但应答中途连接关闭",
  "it happens, and the answer is 200 {}": "已执行，应答为 200 {}", "it happens, and the answer is 2 MiB long": "已执行，应答长达 2 MiB", "it happens, but the answer's values have other types": "已执行，但应答值的类型不同", "it happens, and the answer is 200 without a body": "已执行，应答为 200 且无正文",
  "accepted; the job fails at 60 %": "已受理，任务在 60% 时失败", "accepted; the job is canceled at 30 %": "已受理，任务在 30% 时被取消", "accepted; the job waits for an authorization": "已受理，任务等待授权", "accepted; the job stops at 30 % in a status that nobody documented": "已受理，任务在 30% 时停在未公开的状态",
  "accepted; the statuses are SUCCESS, FAIL, running": "已受理，状态为 SUCCESS、FAIL、running", "accepted; the job is completed, but the instance does not come back": "已受理，任务完成，但实例未恢复正常", "accepted; the job is completed, but the kernel version is the old one": "已受理，任务完成，但内核版本未变", "accepted; the job can be queried only after some seconds": "已受理，数秒后才能查询任务",
  "That message is gone.": "该消息已不存在。", "That message has no such button.": "该消息没有此按钮。", "Another channel has this name.": "已有频道使用此名称。",
  "A channel's name has 1 to 80 lower-case letters, digits, hyphens and underscores.": "频道名称由 1 至 80 个小写字母、数字、连字符和下划线组成。",
  "Are you sure?": "确定吗？", Yes: "是", No: "否", "[image: {text}]": "[图片：{text}]",
  slack: "Slack", cloud: "云",
};

const originals = new Map(); // text nodes and attributes of index.html -> their English
const page = { language: "en" };

/** The language of the page, as a BCP 47 tag. */
export const language = () => page.language;

/** The page's words in the person's language, with the values of their {placeholders}. */
export function t(text, values = {}) {
  const words = (language() === "zh-CN" && Object.hasOwn(CHINESE, text) && CHINESE[text]) || text;
  return words.replace(/\{(\w+)\}/g, (placeholder, name) => (Object.hasOwn(values, name) ? values[name] : placeholder));
}

/** Remembers the words that index.html itself holds; to be called before anything is rendered. */
export function startWords() {
  const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) remember(texts.currentNode, texts.currentNode.data, (node, text) => (node.data = text));
  for (const node of document.querySelectorAll("[aria-label]")) remember(node, node.getAttribute("aria-label"), (target, text) => target.setAttribute("aria-label", text));
}

function remember(node, text, put) {
  const words = text.trim();
  if (Object.hasOwn(CHINESE, words)) originals.set(node, () => put(node, text.replace(words, t(words))));
}

/** Puts the words of index.html into the language of this locale; true when the language is another than before. */
export function chooseLanguage(locale) {
  const chosen = locale?.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
  if (chosen === page.language) return false;
  page.language = chosen;
  document.documentElement.lang = chosen;
  for (const put of originals.values()) put();
  return true;
}
