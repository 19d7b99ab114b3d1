" Vim with ALE and the configuration of docs/editors.md. Environment: STORY, SNIPPET.
set nocompatible hidden nobackup nowritebackup noswapfile
filetype plugin on
source $SNIPPET
runtime plugin/ale.vim

let s:story = json_decode(join(readfile($STORY), "\n"))
let s:known = s:story.known
let s:new = s:story.new

function! s:fail(what, seen) abort
  throw a:what . ': ' . string(a:seen)
endfunction

function! s:wait(what, seconds, Condition) abort
  let l:end = localtime() + a:seconds
  while !a:Condition()
    if localtime() > l:end | call s:fail('waited too long for ' . a:what, execute('messages')) | endif
    sleep 20m
  endwhile
endfunction

let s:answer = {}
function! s:keep(response) abort
  let s:answer = a:response
endfunction

function! s:command(name, parameters) abort
  let s:answer = {}
  call ale#lsp_linter#SendRequest(bufnr(''), 'codecontext', [0, 'workspace/executeCommand',
  \ {'command': 'codecontext.server.' . a:name, 'arguments': [a:parameters]}], function('s:keep'))
  call s:wait(a:name, 60, {-> !empty(s:answer)})
  if !has_key(s:answer, 'result') | call s:fail(a:name, s:answer) | endif
  return s:answer.result
endfunction

function! s:check_hits(hits, place, line) abort
  let l:best = get(a:hits, 0, {})
  if empty(l:best) || l:best.path !=# a:place.path || l:best.symbol !=# a:place.symbol
  \ || l:best.selectionRange.start.line != a:line
    call s:fail('best hit', [a:place, l:best])
  endif
  let l:places = map(copy(a:hits), {_, hit -> hit.path . ':' . hit.range.start.line})
  if len(uniq(sort(copy(l:places)))) != len(l:places) | call s:fail('distinct hits', l:places) | endif
endfunction

function! s:check_cursor(what, place) abort
  if expand('%:p') !=# s:story.folder . '/' . a:place.path || line('.') != a:place.line + 1
    call s:fail(a:what, [expand('%:p'), line('.')])
  endif
endfunction

function! s:is_ready() abort
  let l:status = s:command('status', {})
  return l:status.quiescent && l:status.health ==# 'ok' && l:status.folders[0].ready && l:status.folders[0].coverage == 1
endfunction

function! s:is_found(place, line) abort
  let l:best = get(s:command('search', {'query': a:place.question}).hits, 0, {})
  return get(l:best, 'symbol', '') ==# a:place.symbol && l:best.selectionRange.start.line == a:line
endfunction

function! s:day() abort
  edit app/prices.py
  setfiletype python
  call s:wait('the index', 200, function('s:is_ready'))

  call s:check_hits(s:command('search', {'query': s:known.question}).hits, s:known, s:known.line)

  execute 'CodeContext' s:known.question
  call s:wait(':CodeContext', 60, {-> !empty(getqflist())})
  cclose
  cfirst
  call s:check_cursor(':CodeContext', s:known)

  execute 'ALESymbolSearch' s:known.question
  call s:wait('the symbol window', 60, {-> &filetype ==# 'ale-preview-selection'})
  if getline(1) !~# 'locks\.py:7:\d\+ ' . s:known.symbol . '$' | call s:fail('symbol by meaning', getline(1)) | endif
  close

  " lines that are not saved yet move the hit, as soon as ALE tells of them
  execute 'edit' s:known.path
  call append(0, ['# one', '# two', '# three'])
  doautocmd TextChanged
  call s:wait('found in unsaved text', 20, {-> s:is_found(s:known, s:known.line + 3)})
  edit!

  execute 'edit' s:new.path
  setfiletype python
  call setline(1, s:new.lines)
  write
  call s:wait('found after saving', 60, {-> s:is_found(s:new, s:new.line)})
  call s:check_hits(s:command('search', {'query': s:new.question}).hits, s:new, s:new.line)
endfunction

try
  call s:day()
  call writefile(['PASS'], '/dev/stdout', 'a')
  qall!
catch
  call writefile(['FAIL ' . v:exception . ' ' . v:throwpoint], '/dev/stdout', 'a')
  cquit!
endtry
