((source (list_lit . (sym_lit name: (sym_name) @_keyword) . (sym_lit name: (sym_name) @name)) @definition.class)
  (#any-of? @_keyword "defrecord" "deftype" "defprotocol" "definterface" "extend-type" "extend-protocol")
  (#set! whole-name))
((list_lit . (sym_lit name: (sym_name) @_keyword)
  (list_lit . (sym_lit name: (sym_name) @name) . (vec_lit)) @definition.method)
  (#any-of? @_keyword "defrecord" "deftype" "extend-type" "extend-protocol")
  (#set! whole-name))
((source (list_lit
  . (sym_lit name: (sym_name) @_keyword)
  . (sym_lit name: (sym_name) @name)
  (vec_lit) . (_) @body) @definition.function)
  (#match? @_keyword "^def")
  (#not-match? @_keyword "^(def|defonce|default.*)$")
  (#set! whole-name))
((source (list_lit . (sym_lit name: (sym_name) @_keyword) . (sym_lit name: (sym_name) @name)) @definition.function)
  (#match? @_keyword "^def")
  (#not-match? @_keyword "^(def|defonce|default.*)$")
  (#set! whole-name))
((source (list_lit . (sym_lit name: (sym_name) @_keyword) . (sym_lit name: (sym_name) @name)) @definition.function)
  (#any-of? @_keyword "def" "defonce")
  (#set! whole-name) (#set! min-lines 3))

((list_lit . (sym_lit) . (sym_lit) . (str_lit) @docstring) @documented)
(source . (comment)* . (list_lit . (sym_lit name: (sym_name) @_ns) . (sym_lit) . (str_lit) @docstring)
  (#eq? @_ns "ns")) @documented

(comment) @comment
