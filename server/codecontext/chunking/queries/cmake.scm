((function_def (function_command (argument_list . (argument) @name)) (body)? @body) @definition.function
  (#set! trim-end))
((macro_def (macro_command (argument_list . (argument) @name)) (body)? @body) @definition.function
  (#set! trim-end))
((normal_command (identifier) @_command (argument_list . (argument) @name)) @definition.function
  (#match? @_command "^(?i:add_(library|executable|custom_target))$")
  (#set! whole-name) (#set! min-lines 2))

[(line_comment) (bracket_comment)] @comment
