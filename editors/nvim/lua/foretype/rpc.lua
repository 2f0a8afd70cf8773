--- What is said to a client, on every Neovim: until 0.11 its functions are no methods.

local M = {}

local are_methods = vim.fn.has('nvim-0.11') == 1

---@param client vim.lsp.Client
---@param method string
---@param params table
---@param handler fun(err?: lsp.ResponseError, result?: any)
---@param bufnr integer
---@return integer? request_id Nil where the server has ended.
function M.request(client, method, params, handler, bufnr)
  local was_sent, request_id
  if are_methods then
    was_sent, request_id = client:request(method, params, handler, bufnr)
  else
    was_sent, request_id = client.request(method, params, handler, bufnr)
  end
  return was_sent and request_id or nil
end

---@param client vim.lsp.Client
---@param method string
---@param params table
function M.notify(client, method, params)
  if are_methods then
    client:notify(method, params)
  else
    client.notify(method, params)
  end
end

---@param client vim.lsp.Client
---@param request_id integer
function M.cancel(client, request_id)
  if are_methods then
    client:cancel_request(request_id)
  else
    client.cancel_request(request_id)
  end
end

---@param client vim.lsp.Client
---@return boolean
function M.is_stopped(client)
  if are_methods then
    return client:is_stopped()
  end
  return client.is_stopped()
end

--- Has a client note that it is told to stop, as newer ones do by themselves.
---@param client vim.lsp.Client
function M.note_stop(client)
  if are_methods then
    return
  end
  local stop = client.stop
  client.stop = function(force)
    client._is_stopping = true
    stop(force)
  end
end

---@param client vim.lsp.Client
function M.stop(client)
  if are_methods then
    client:stop()
  else
    client.stop()
  end
end

return M
