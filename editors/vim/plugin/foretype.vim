vim9script noclear
# Foretype: AI completions as ghost text while you type (docs/editors/vim.md).

if exists('g:loaded_foretype')
  finish
endif
g:loaded_foretype = true

if !has('patch-9.0.0067') || !has('channel')
  echomsg 'Foretype needs Vim 9.0.67 or newer, with +channel and +textprop'
  finish
endif

highlight default link ForetypeGhost NonText

command! -nargs=? -complete=custom,foretype#Commands Foretype foretype#Command(<q-args>)

inoremap <silent> <expr> <Plug>(foretype-accept) foretype#Accept('all', '')
inoremap <silent> <expr> <Plug>(foretype-accept-word) foretype#Accept('word', '')
inoremap <silent> <expr> <Plug>(foretype-accept-line) foretype#Accept('line', '')
inoremap <silent> <Plug>(foretype-dismiss) <Cmd>call foretype#Dismiss()<CR>
inoremap <silent> <Plug>(foretype-trigger) <Cmd>call foretype#Trigger()<CR>

augroup foretype
  autocmd!
  autocmd InsertEnter,TextChangedI,TextChangedP,CursorMovedI * foretype#Refresh()
  autocmd ModeChanged i*:* foretype#Leave()
  autocmd BufLeave,WinLeave * foretype#Leave()
  autocmd BufUnload * foretype#Close(str2nr(expand('<abuf>')))
  autocmd VimLeavePre * foretype#Stop()
augroup END
