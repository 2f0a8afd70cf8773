vim9script
# Starts the server, tells it of documents, draws what it suggests, and accepts it.

const INVOKED = 1
const AUTOMATIC = 2
const COMMANDS = ['disable', 'enable', 'explain', 'restart', 'status']
# A server that ends by itself so often is not started again.
const MAX_CRASHES = 5
const MESSAGE_MS = 6000
const GHOST = 'foretype'

var job: job
var is_ready = false
var is_stopping = false
var is_on = true
var n_crashes = 0
var status = 'the server has not been started'
# Each state that a person was told of.
var told: dict<bool> = {}
# The version of each open document, by its buffer.
var versions: dict<number> = {}
# What is on the screen: where it was suggested, what, and the item it is from.
var shown: dict<any> = {}
# The request that is waited for.
var asked = 0
# Where the cursor was, and the text, when that was handled last.
var seen: list<number> = []

# The server ###################################################################

def Send(method: string, params: any)
  if job_status(job) == 'run'
    ch_sendexpr(job, {method: method, params: params})
  endif
enddef

def Request(method: string, params: any, Handle: func(any)): number
  var sent: dict<any> = ch_sendexpr(job, {method: method, params: params}, {
    callback: (_, answer: dict<any>) => {
      # An error says that there is nothing new.
      if answer->has_key('result')
        Handle(answer.result)
      endif
    },
  })
  return sent->get('id', 0)
enddef

# Says something where it does not ask for Enter, and remembers it in `:messages`.
def Say(message: string)
  if mode() =~ '^i'
    # NB: In insert mode, Vim draws its mode over any other message.
    popup_notification(message->split("\n"), {time: MESSAGE_MS, highlight: 'WarningMsg'})
    silent echomsg message->substitute('\s*\n\s*', '; ', 'g')
  else
    var line = message->substitute('\s*\n\s*', '; ', 'g')
    echomsg line->strcharpart(0, v:echospace)
  endif
enddef

def TellOnce(state: string, message: string)
  if !told->has_key(state)
    told[state] = true
    Say('Foretype: ' .. message)
  endif
enddef

def Received(_: channel, message: dict<any>)
  var method = message->get('method', '')
  if method == 'didChangeStatus'
    status = message.params.message
    if message.params.kind == 'Warning'
      TellOnce(status->matchstr('^[^:]*'), status)
    endif
    if exists('#User#ForetypeStatus')
      doautocmd <nomodeline> User ForetypeStatus
    endif
    redrawstatus!
  elseif method == 'foretype/didExtend'
    if !empty(shown)
      Ask(AUTOMATIC)
    endif
  elseif method == 'window/showMessage'
    Say(message.params.message)
  elseif method != '' && message->has_key('id')
    ch_sendexpr(job, {id: message.id, error: {code: -32601, message: 'not supported'}})
  endif
enddef

def Exited(_: job, code: number)
  is_ready = false
  versions = {}
  Hide()
  if is_stopping
    is_stopping = false
    return
  endif
  n_crashes += 1
  status = $'the server has ended with {code}; `:Foretype restart` starts it'
  if n_crashes > MAX_CRASHES
    TellOnce('ended', status)
  elseif mode() =~ '^i'
    Start()
  endif
enddef

def Start(): bool
  if job_status(job) == 'run'
    return true
  endif
  var command = get(g:, 'foretype_command', ['foretype', '--stdio'])->copy()
  command[0] = expand(command[0])
  if n_crashes > MAX_CRASHES
    return false
  elseif !executable(command[0])
    status = $'there is no program {command[0]}; set g:foretype_command'
    TellOnce('missing', status)
    return false
  endif
  job = job_start(command, {
    in_mode: 'lsp',
    out_mode: 'lsp',
    err_io: 'null',
    out_cb: Received,
    exit_cb: Exited,
  })
  var settings: dict<any> = get(g:, 'foretype_settings', {})->deepcopy()
  # The brackets behind the cursor that a suggestion closes are replaced with it.
  settings.editor = {rangeEnd: 'rest'}->extend(settings->get('editor', {}))
  Request('initialize', {
    processId: getpid(),
    clientInfo: {name: 'Vim', version: string(v:versionlong)},
    rootUri: Uri(getcwd()),
    capabilities: {
      general: {positionEncodings: ['utf-8']},
      experimental: {foretype: {didExtend: true}},
    },
    initializationOptions: settings,
  }, (_) => {
    Send('initialized', {})
    is_ready = true
    status = 'the server runs'
    seen = []
    Refresh()
  })
  return true
enddef

export def Stop()
  if job_status(job) == 'run'
    is_stopping = true
    job_stop(job)
  endif
enddef

# Documents ####################################################################

def Uri(path: string): string
  var encoded = 'file://'
  for i in range(strlen(path))
    var byte = strpart(path, i, 1)
    encoded ..= byte =~ '[A-Za-z0-9/._~-]' ? byte : printf('%%%02X', char2nr(byte))
  endfor
  return encoded
enddef

def Document(buffer: number): dict<any>
  var name = bufname(buffer)
  return {uri: name == '' ? $'untitled:{buffer}' : Uri(fnamemodify(name, ':p'))}
enddef

def Text(buffer: number): string
  return getbufline(buffer, 1, '$')->join("\n") .. "\n"
enddef

def Open(buffer: number)
  if versions->has_key(buffer)
    return
  endif
  versions[buffer] = 1
  var document = Document(buffer)->extend({
    languageId: getbufvar(buffer, '&filetype'),
    version: 1,
    text: Text(buffer),
  })
  Send('textDocument/didOpen', {textDocument: document})
  listener_add(Changed, buffer)
enddef

def Changed(buffer: number, start: number, end: number, added: number, changes: list<dict<any>>)
  if !versions->has_key(buffer)
    return
  endif
  versions[buffer] += 1
  var change: dict<any> = {text: Text(buffer)}
  # NB: Of several changes, the lines of the earlier ones are not those of now.
  if len(changes) == 1
    var lines = getbufline(buffer, start, end - 1 + added)
    change = {
      range: {
        start: {line: start - 1, character: 0},
        end: {line: end - 1, character: 0},
      },
      text: lines->mapnew((_, line) => line .. "\n")->join(''),
    }
  endif
  Send('textDocument/didChange', {
    textDocument: Document(buffer)->extend({version: versions[buffer]}),
    contentChanges: [change],
  })
enddef

export def Close(buffer: number)
  if versions->has_key(buffer)
    versions->remove(buffer)
    Send('textDocument/didClose', {textDocument: Document(buffer)})
  endif
enddef

# What is on the screen ########################################################

def Hide()
  if !empty(shown) && bufexists(shown.buffer)
    prop_remove({type: GHOST, bufnr: shown.buffer, all: true})
  endif
  shown = {}
enddef

# What is left of the suggestion at the cursor; empty where it does not go on.
def Left(): dict<any>
  if empty(shown) || shown.buffer != bufnr() || line('.') < shown.line
    return {}
  endif
  var lines = getline(shown.line, line('.'))
  var rest = lines[-1]->strpart(col('.') - 1)
  lines[-1] = lines[-1]->strpart(0, col('.') - 1)
  var before = lines->join("\n")
  var full = shown.before .. shown.text
  if stridx(full, before) != 0 || strlen(before) < strlen(shown.before) || before == full
    return {}
  endif
  # Brackets that were typed over, or closed by themselves, are part of it or not.
  var n_more = strlen(rest) - strlen(shown.rest)
  var n_covered = shown.n_covered + n_more
  if n_covered < 0 || rest->strpart(max([n_more, 0])) != shown.rest->strpart(max([-n_more, 0]))
    return {}
  endif
  return {text: full->strpart(strlen(before)), covered: rest->strpart(0, n_covered), rest: rest}
enddef

def Draw()
  if empty(prop_type_get(GHOST))
    prop_type_add(GHOST, {highlight: 'ForetypeGhost'})
  endif
  prop_remove({type: GHOST, all: true})
  var left = Left()
  if empty(left)
    shown = {}
    return
  endif
  # NB: A tab in virtual text is one cell wide.
  var lines = left.text->substitute('\t', repeat(' ', &tabstop), 'g')->split("\n", true)
  var first = lines[0]
  var covered = left.covered
  if len(lines) == 1 && covered != '' && strridx(first, covered) >= 0
    # What is there already is not drawn again.
    var at = strridx(first, covered)
    Add(col('.') + strlen(covered), first->strpart(at + strlen(covered)))
    first = first->strpart(0, at)
  endif
  Add(col('.'), first)
  if !pumvisible()
    for line in lines[1 :]
      prop_add(line('.'), 0, {type: GHOST, text: line ?? ' ', text_align: 'below'})
    endfor
  endif
enddef

def Add(column: number, text: string)
  if text != ''
    prop_add(line('.'), column, {type: GHOST, text: text})
  endif
enddef

def Answered(place: list<number>, result: any)
  var items: list<dict<any>> = type(result) == v:t_dict ? result.items : []
  if place != Place()
    return
  endif
  if empty(items)
    Hide()
    return
  endif
  var item = items[0]
  var text: string = item.insertText->substitute('\r', '', 'g')
  var left = Left()
  if !empty(left) && stridx(text, left.text) == 0
    # It goes on from where it was suggested first, so that backspace gets back there.
    text = (shown.before .. shown.text)->strpart(strlen(shown.before))
      ->strpart(0, strlen(shown.text) - strlen(left.text)) .. text
    shown.rest = left.rest
  else
    shown = {
      buffer: bufnr(),
      line: line('.'),
      before: getline('.')->strpart(0, col('.') - 1),
      rest: getline('.')->strpart(col('.') - 1),
    }
  endif
  shown->extend({
    text: text,
    n_covered: item.range.end.character - item.range.start.character,
    item: item,
  })
  Draw()
  Send('textDocument/didShowCompletion', {item: item})
enddef

# Asking #######################################################################

# Where the cursor is; empty where nothing is to be suggested.
def Place(): list<number>
  if mode() !~ '^i' || !is_on || &buftype != '' || !&modifiable || !get(b:, 'foretype_enabled', true)
    return []
  endif
  return [bufnr(), b:changedtick, line('.'), col('.')]
enddef

def Ask(kind: number)
  if asked != 0
    Send('$/cancelRequest', {id: asked})
  endif
  listener_flush()
  var place = Place()
  asked = Request('textDocument/inlineCompletion', {
    textDocument: Document(bufnr()),
    position: {line: line('.') - 1, character: col('.') - 1},
    context: {triggerKind: kind},
  }, (result) => {
    asked = 0
    Answered(place, result)
  })
enddef

# Brings what is on the screen up to date with the text and the cursor.
export def Refresh()
  var place = Place()
  if empty(place) || !Start() || !is_ready || place == seen
    return
  endif
  # A cursor that only moves asks for nothing.
  var has_changed = empty(seen) || place[0 : 1] != seen[0 : 1]
  seen = place
  Open(bufnr())
  Draw()
  if has_changed
    Ask(AUTOMATIC)
  endif
enddef

# Insert mode or the window has been left.
export def Leave()
  if mode() !~ '^i' || v:event->get('new_mode', 'n') !~ '^i'
    seen = []
    Hide()
  endif
enddef

export def Trigger()
  if !empty(Place()) && Start() && is_ready
    Open(bufnr())
    Ask(INVOKED)
  endif
enddef

export def Dismiss()
  Hide()
enddef

# Accepting ####################################################################

# The keys that insert a part of what is on the screen, or else what a key does.
export def Accept(part: string, otherwise: string): string
  var left = Left()
  if empty(left)
    return otherwise
  endif
  var text: string = left.text
  if part == 'word'
    text = text->matchstr('^\_s*\%(\k\+\|[^[:space:]]\)') ?? text
  elseif part == 'line'
    text = text->matchstr('^\n*[^\n]\+') ?? text
  endif
  var is_all = text == left.text
  return "\<C-G>u"
    .. (is_all ? repeat("\<Del>", strcharlen(left.covered)) : '')
    .. "\<Cmd>call foretype#Insert(v:true)\<CR>"
    .. text->substitute('\n', "\r", 'g')
    .. $"\<Cmd>call foretype#Insert(v:false, {is_all ? 'v:true' : 'v:false'})\<CR>\<C-G>u"
enddef

var had_paste = false

# Around a text that goes in as if it was typed, so that a dot repeats it: with 'paste',
# nothing of it is indented, wrapped or expanded.
export def Insert(is_begin: bool, is_all = false)
  if is_begin
    had_paste = &paste
    &paste = true
    return
  endif
  &paste = had_paste
  if is_all && !empty(shown)
    listener_flush()
    Request('workspace/executeCommand', shown.item.command, (_) => {
    })
    Hide()
  endif
enddef

# Commands #####################################################################

export def Commands(..._): string
  return COMMANDS->join("\n")
enddef

export def Command(name: string)
  if name == 'enable' || name == 'disable'
    is_on = name == 'enable'
    Hide()
  elseif name == 'restart'
    n_crashes = 0
    told = {}
    Stop()
    timer_start(500, (_) => Start())
  elseif name == 'explain'
    if !is_ready
      Say('Foretype: ' .. status)
      return
    endif
    Open(bufnr())
    Request('foretype/explain', {textDocument: Document(bufnr())}, (result) => {
      popup_atcursor(result.message->split("\n"), {border: [], padding: [0, 1, 0, 1]})
    })
  elseif name == 'status' || name == ''
    Say('Foretype: ' .. (is_on ? '' : 'off; ') .. status)
  else
    Say($'Foretype: there is no :Foretype {name}; there are {COMMANDS->join(", ")}')
  endif
enddef

# What a status line can show.
export def Statusline(): string
  return is_on ? status->matchstr('^[^:]*') : 'off'
enddef
